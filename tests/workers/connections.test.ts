import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openDatabase } from '../../src/platform/database/client.js';
import { explainDatabase, isDatabaseUnavailable } from '../../src/platform/database/failures.js';
import { Prisma } from '../../src/platform/database/generated/client.js';
import { readRows } from '../../src/platform/database/read.js';
import { createLog } from '../../src/platform/log.js';
import { RequestTrace } from '../../src/platform/telemetry/request-trace.js';
import { insist } from '../../workers/insist.js';
import { type FaultyProxy, openProxy } from '../support/proxy.js';
import { until } from '../support/until.js';
import { createWorld, type World } from '../support/world.js';

describe('a connection to the database', () => {
  let world: World;
  let proxy: FaultyProxy;
  let url: URL;
  before(async () => {
    world = await createWorld();
    url = new URL(world.databaseUrl);
    proxy = await openProxy(Number(url.port));
    url.port = String(proxy.port);
  });
  after(async () => {
    await proxy?.close();
    await world?.close();
  });

  it('that does not answer any more is given up, also within a transaction, and another one is opened', async () => {
    const database = openDatabase(url.href, { poolSize: 1, answerMs: 3_000 });
    const one = () => database.$queryRaw`SELECT 1 AS one`;
    assert.deepEqual(await one(), [{ one: 1 }]);
    proxy.freeze();
    await assert.rejects(one(), isDatabaseUnavailable);
    assert.deepEqual(await one(), [{ one: 1 }]);
    const within = database.$transaction(async (tx) => {
      await tx.$queryRaw`SELECT 1`;
      proxy.freeze();
      await tx.$queryRaw`SELECT 2`;
    });
    await assert.rejects(within, isDatabaseUnavailable);
    assert.deepEqual(await one(), [{ one: 1 }]);
    await database.$disconnect();
  });

  it('is canceled over one other connection, however many statements wait on it when their time is over', async () => {
    const database = openDatabase(url.href, { poolSize: 1 });
    await database.$queryRaw`SELECT 1`;
    const before = proxy.connections;
    const over = new AbortController();
    const sleep = () => readRows(database, Prisma.sql`SELECT pg_sleep(60) AS waited`);
    const asked = new RequestTrace(over.signal).run(() => Promise.allSettled(Array.from({ length: 8 }, sleep)));
    await until('the first is under way', async () => {
      const [row] = await world.database.$queryRaw<{ count: bigint }[]>`
        SELECT count(*) AS count FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'active' AND query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()`;
      return row?.count === 1n;
    });
    over.abort();
    assert.deepEqual(new Set((await asked).map(({ status }) => status)), new Set(['rejected']));
    assert.equal(proxy.connections - before, 1);
    assert.deepEqual(await database.$queryRaw`SELECT 1 AS one`, [{ one: 1 }]);
    await database.$disconnect();
  });

  it('to a server that only reads, as one does that another has replaced, is not kept', async () => {
    const database = openDatabase(url.href, { poolSize: 1 });
    await database.$executeRaw`SET default_transaction_read_only = on`;
    const write = (name: string) => database.project.create({ data: { name } });
    const refused = write('refused').catch((error: unknown) => Promise.reject(explainDatabase(error, url.href)));
    await assert.rejects(refused, {
      code: 'UNAVAILABLE',
      message: `The database at ${url.host}${url.pathname} is read-only: point DATABASE_URL at the primary.`,
    });
    assert.equal((await write('taken')).name, 'taken');
    await database.$disconnect();
  });

  it('to a server that has no room is waited for, until it has, and the server is named', async () => {
    const { database, databaseUrl } = world;
    const lines: [string, string, RegExp][] = [
      ['53100', 'STORAGE_FULL', /^The disk of the database is full: free some space, then retry\.$/],
      ['53300', 'UNAVAILABLE', /^The database at [\d.:]+\/\w+ takes no more connections: raise its max_connections, /],
    ];
    for (const [state, code, message] of lines) {
      const allow = await world.refuseWrites('Project', state);
      const create = () => database.project.create({ data: { name: `after ${state}` } });
      const explained = create().catch((error: unknown) => Promise.reject(explainDatabase(error, databaseUrl)));
      await assert.rejects(explained, { code, message });
      let tries = 0;
      const insisted = insist(
        () => {
          tries += 1;
          return create();
        },
        createLog('test', 'silent'),
      );
      await Promise.race([insisted, until('it is tried again', () => tries > 2)]);
      await allow();
      assert.equal((await insisted).name, `after ${state}`);
    }
  });
});
