import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { getIntrospectionQuery } from 'graphql';
import { toGlobalId } from '../../src/modules/kit/node.js';
import { openDatabase } from '../../src/platform/database/client.js';
import { RequestTrace } from '../../src/platform/telemetry/request-trace.js';
import { lockTable, whileLocked } from '../support/locks.js';
import { seedDataset, seedPool, seedRun } from '../support/seeds.js';
import { until } from '../support/until.js';
import { at, listAt, openApi, type TestApi, textAt } from './server.js';

const codesOf = (answer: { errors: { extensions: { code: string } }[] }) =>
  answer.errors.map((error) => error.extensions.code);

const post = (api: TestApi, body: unknown, key = api.keys.ADMIN) =>
  fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  });

describe('the rate limit', () => {
  let api: TestApi;
  before(async () => {
    api = await openApi({ TEDDYHUB_RATE_LIMIT: '100' });
  });
  after(() => api.close());

  const PAGE = 'query ($n: Int) { datasets(first: $n) { nodes { id } } rateLimit { limit cost remaining resetAt } }';

  it('counts what an operation costs by its real variables, and tells it in the answer and in headers', async () => {
    const key = await api.newKey('VIEWER');
    const response = await post(api, { query: PAGE, variables: { n: 20 } }, key);
    const { data } = (await response.json()) as { data: unknown };
    const cost = at(data, 'rateLimit.cost') as number;
    assert.ok(cost > 20 && cost < 100, `${cost}`);
    assert.equal(at(data, 'rateLimit.remaining'), 100 - cost);
    assert.equal(at(data, 'rateLimit.limit'), 100);
    const header = (name: string) => response.headers.get(`x-ratelimit-${name}`);
    assert.deepEqual([header('limit'), header('cost'), header('remaining')], ['100', `${cost}`, `${100 - cost}`]);
    assert.equal(header('reset'), String(Math.ceil(Date.parse(textAt(data, 'rateLimit.resetAt')) / 1000)));
    const small = await api.send(PAGE, { n: 1 }, key);
    assert.ok((at(small.data, 'rateLimit.cost') as number) < cost);
  });

  it('refuses with 429 what a key cannot afford, says when to come back, and leaves other keys alone', async () => {
    const key = await api.newKey('VIEWER');
    assert.equal((await post(api, { query: PAGE, variables: { n: 40 } }, key)).status, 200);
    const response = await post(api, { query: PAGE, variables: { n: 40 } }, key);
    assert.equal(response.status, 429);
    const wait = Number(response.headers.get('retry-after'));
    assert.ok(wait > 0 && wait <= 60, `${wait}`);
    const { errors } = (await response.json()) as { errors: unknown[] };
    assert.equal(at(errors, '0.extensions.code'), 'RATE_LIMITED');
    assert.ok((at(errors, '0.extensions.retryAfterMs') as number) <= 60_000);
    assert.equal((await post(api, { query: PAGE, variables: { n: 1 } }, key)).status, 200, 'a small one still fits');
    assert.equal((await post(api, { query: PAGE, variables: { n: 40 } }, await api.newKey('VIEWER'))).status, 200);
  });

  it('holds for subscriptions, from the same account', async () => {
    const key = await api.newKey('VIEWER');
    while ((await api.send(PAGE, { n: 10 }, key)).status === 200);
    while ((await api.send('{ rateLimit { cost } }', {}, key)).status === 200);
    assert.deepEqual(
      (await api.refuse('subscription { runEvents(runId: "x") { sequence } }', {}, key)).map(
        (one) => one.extensions.code,
      ),
      ['RATE_LIMITED'],
    );
  });
});

describe('the deadline of a request', () => {
  let api: TestApi;
  before(async () => {
    api = await openApi({ TEDDYHUB_REQUEST_SECONDS: '1' });
  });
  after(() => api.close());

  /** What the API has under way in the database. */
  const underWay = async () => {
    const rows = await api.world.database.$queryRaw<{ query: string }[]>`
      SELECT query FROM pg_stat_activity
      WHERE application_name = 'teddyhub-api' AND datname = current_database() AND state <> 'idle'`;
    return rows.map((row) => row.query);
  };

  it('ends the statements of a query in the database as well', async () => {
    const answer = await whileLocked(api.world.databaseUrl, lockTable('Dataset'), async () => {
      const asked = api.send('{ datasets(first: 1) { nodes { id } } }');
      await until('a statement waits', async () => (await underWay()).length === 1);
      const answered = await asked;
      await until('nothing is under way any more', async () => (await underWay()).length === 0, 2_000);
      return answered;
    });
    assert.deepEqual(codesOf(answer), ['DEADLINE_EXCEEDED']);
    assert.doesNotMatch(JSON.stringify(answer.errors), /statement|postgres|prisma/i);
    assert.deepEqual(codesOf(await api.send('{ datasets(first: 1) { nodes { id } } }')), [], 'and the pool is whole');
  });

  it('undoes a mutation, whose idempotency key is free afterwards', async () => {
    const { database } = api.world;
    const pool = await seedPool(database, await seedDataset(database, api.project));
    const input = {
      name: 'late',
      datasetId: toGlobalId('Dataset', pool.datasetId),
      teacherPoolId: toGlobalId('TeacherPool', pool.id),
      config: { synthesis: { imagesPerClass: 1 } },
      idempotencyKey: randomUUID(),
    };
    const query = `mutation ($input: DistillationRunStartInput!) { distillationRunStart(input: $input) {
      distillationRun { id } userErrors { code } } }`;
    const late = await whileLocked(api.world.databaseUrl, lockTable('Task'), async () => {
      const answered = await api.send(query, { input });
      await until('nothing is under way any more', async () => (await underWay()).length === 0, 2_000);
      return answered;
    });
    assert.deepEqual(codesOf(late), ['DEADLINE_EXCEEDED']);
    assert.equal(await database.distillationRun.count({ where: { name: 'late' } }), 0);
    assert.equal(await database.idempotencyKey.count({ where: { key: input.idempotencyKey } }), 0);
    const again = await api.send(query, { input });
    assert.ok(textAt(again.data, 'distillationRunStart.distillationRun.id'));
  });

  it('leaves what a bulk had done by then, says so, and leaves alone what follows', async () => {
    const { database, databaseUrl } = api.world;
    const pool = await seedPool(database, await seedDataset(database, api.project));
    const runs = [await seedRun(database, pool), await seedRun(database, pool), await seedRun(database, pool)];
    const query = `mutation ($ids: [ID!]!) { distillationRunsCancel(input: { ids: $ids }) { results { id distillationRun { state } userErrors { code } } } }`;
    const ids = runs.map(({ id }) => toGlobalId('DistillationRun', id));
    const lock = `SELECT FROM "DistillationRun" WHERE id = '${runs[1]?.id}' FOR UPDATE`;
    const { data, errors } = await whileLocked(databaseUrl, lock, () => api.send(query, { ids }));
    assert.deepEqual(
      errors.map(({ path, extensions }) => [(path as string[]).join('.'), extensions.code]),
      [['distillationRunsCancel.results.0.distillationRun', 'DEADLINE_EXCEEDED']],
    );
    const codes = listAt(data, 'distillationRunsCancel.results').map((result) =>
      listAt(result, 'userErrors').map((one) => at(one, 'code')),
    );
    assert.deepEqual(codes, [[], ['UNAVAILABLE'], ['UNAVAILABLE']]);
    const states = await Promise.all(
      runs.map(({ id }) => database.distillationRun.findUniqueOrThrow({ where: { id } })),
    );
    assert.deepEqual(
      states.map(({ state }) => state),
      ['CANCELED', 'QUEUED', 'QUEUED'],
    );
    assert.equal(api.log.filter(({ msg }) => msg === 'bulk mutation broke off').length, 1);
  });

  it('ends the transaction too where it falls between the last statement and the commit', async () => {
    const database = openDatabase(api.world.databaseUrl, { poolSize: 1, name: 'one connection' });
    const name = (what: string) => ({ data: { name: what } });
    const over = new AbortController();
    const late = new RequestTrace(over.signal).run(() =>
      database.$transaction(async (tx) => {
        await tx.project.create(name('undone'));
        over.abort();
      }),
    );
    await assert.rejects(late, /time of the request is over/);
    // The next request has the same connection: what it writes is written, and nothing else.
    await database.project.create(name('done'));
    await assert.rejects(
      database.$transaction(async (tx) => {
        await tx.project.create(name('thrown away'));
        throw new Error('by itself');
      }),
      /by itself/,
    );
    const found = await api.world.database.project.findMany({ where: { name: { not: 'default' } } });
    assert.deepEqual(
      found.map((project) => project.name),
      ['done'],
    );
    await database.$disconnect();
  });
});

describe('in production', () => {
  let api: TestApi;
  before(async () => {
    api = await openApi({ NODE_ENV: 'production' });
  });
  after(() => api.close());

  it('there is no introspection, no start page, and no hint of what else the schema holds', async () => {
    assert.deepEqual(new Set(codesOf(await api.send(getIntrospectionQuery()))), new Set(['BAD_USER_INPUT']));
    assert.deepEqual(codesOf(await api.send('{ __type(name: "Query") { name } }')), ['BAD_USER_INPUT']);
    assert.equal((await fetch(api.url)).status, 404);
    const { errors } = await api.send('{ dataset_ { id } }');
    assert.doesNotMatch(JSON.stringify(errors), /did you mean/i);
    const seen = await api.refuse('subscription { runEvent { sequence } }');
    assert.doesNotMatch(JSON.stringify(seen), /did you mean/i);
  });
});

describe('every request', () => {
  let api: TestApi;
  before(async () => {
    api = await openApi();
  });
  after(() => api.close());

  const linesOf = (requestId: unknown) =>
    api.log.filter((entry) => entry.requestId === requestId && entry.err === undefined);

  it('leaves one line in the log: who, what, cost, statements, duration, outcome', async () => {
    const response = await post(api, { query: 'query Wall { datasets(first: 5) { nodes { id } } }' });
    await response.json();
    const requestId = response.headers.get('x-request-id');
    const [line] = await until('the line', () => linesOf(requestId).length > 0 && linesOf(requestId));
    assert.ok(line);
    const { method, path, status, key, operation, kind, cost, statements, durationMs, msg } = line;
    assert.deepEqual(
      { method, path, status, key, operation, kind, cost, msg },
      {
        method: 'POST',
        path: '/graphql',
        status: 200,
        key: api.keys.ADMIN.split('_')[1],
        operation: 'Wall',
        kind: 'query',
        cost: 11,
        msg: 'request',
      },
    );
    assert.ok(Number(statements) >= 1 && Number(statements) <= 3, `${String(statements)} statements`);
    assert.ok(Number(durationMs) > 0);
    assert.equal(linesOf(requestId).length, 1);
  });

  it('tells its error codes there, and nothing of its variables', async () => {
    const id = `secret-${randomUUID()}`;
    const query = 'query ($id: ID!) { apiKey(id: $id) { id } }';
    const response = await post(api, { query, variables: { id } }, api.keys.VIEWER);
    const { errors } = (await response.json()) as { errors: unknown[] };
    const requestId = at(errors, '0.extensions.requestId');
    assert.equal(requestId, response.headers.get('x-request-id'));
    const [line] = await until('the line', () => linesOf(requestId).length > 0 && linesOf(requestId));
    assert.deepEqual(line?.errors, ['FORBIDDEN']);
    assert.ok(!JSON.stringify(api.log).includes(id));
  });

  it('has it also without a key, on the data plane, and where nothing is', async () => {
    for (const [path, status] of [
      ['/v1/distilled-sets/x/manifest.json', 401],
      ['/nowhere', 404],
    ] as const) {
      const requestId = (await fetch(api.url + path)).headers.get('x-request-id');
      const [line] = await until('the line', () => linesOf(requestId).length > 0 && linesOf(requestId));
      assert.deepEqual([line?.path, line?.status], [path, status]);
    }
  });

  it('is so for a subscription as well, when it ends', async () => {
    const { database } = api.world;
    const run = await seedRun(database, await seedPool(database, await seedDataset(database, api.project)));
    await database.runEvent.create({
      data: { runId: run.id, sequence: 1, type: 'STATE_CHANGED', payload: { from: null, to: 'FAILED', failure: null } },
    });
    await database.distillationRun.update({ where: { id: run.id }, data: { eventSequence: 1, state: 'FAILED' } });
    const query = 'subscription Ticker($id: ID!) { runEvents(runId: $id) { sequence } }';
    const events = await api.follow(query, { id: toGlobalId('DistillationRun', run.id) });
    assert.equal(events.length, 1);
    const line = await until('the line', () => api.log.find((entry) => entry.operation === 'Ticker'));
    assert.deepEqual([line.msg, line.kind, line.events], ['subscription', 'subscription', 1]);
    assert.ok(Number(line.statements) >= 1);
  });
});
