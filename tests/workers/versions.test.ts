import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Database, openDatabase } from '../../src/platform/database/client.js';
import { Prisma } from '../../src/platform/database/generated/client.js';
import { openSmallRuns, type SmallRuns } from '../support/small-runs.js';
import { until } from '../support/until.js';
import { startTestWorker, type TestWorker } from '../support/worker.js';
import { createWorld, type World } from '../support/world.js';

const OUTDATED =
  'This worker is of another version than the service ' +
  '(SYNTHESIS.config: Unrecognized key: "newer"): update it, then start it again.';

/** When somebody last asked which migrations there are: milliseconds. */
async function lastLook(database: Database): Promise<number> {
  const [look] = await database.$queryRaw<{ at: Date | null }[]>`
    SELECT max(query_start) AS at FROM pg_stat_activity WHERE datname = current_database()
      AND query LIKE '%SELECT migration_name AS name%' AND query NOT LIKE '%pg_stat_activity%'`;
  return look?.at?.getTime() ?? 0;
}

describe('a worker that is newer than the database', { concurrency: true }, () => {
  let world: World;
  before(async () => {
    world = await createWorld();
  });
  after(() => world.close());

  it('waits until the migrations that it lacks are there', async () => {
    const { database, databaseUrl, stateDir } = world;
    const latest = Prisma.sql`migration_name = (SELECT max(migration_name) FROM "_prisma_migrations")`;
    await database.$executeRaw`UPDATE "_prisma_migrations" SET finished_at = NULL WHERE ${latest}`;
    const worker = startTestWorker({ databaseUrl, stateDir });
    try {
      await worker.logged('The database lacks 1 migration of this version, waiting for them');
      const first = await lastLook(database);
      await until('it has looked again', async () => (await lastLook(database)) > first);
      assert.equal(await database.worker.count(), 0, 'it takes no task');
      await database.$executeRaw`UPDATE "_prisma_migrations" SET finished_at = now() WHERE ${latest}`;
      await worker.logged('worker ready');
    } finally {
      await worker.kill('SIGTERM');
    }
  });

  it('says in one line what to do where they do not come within a minute, and leaves the database as it is', async () => {
    const url = new URL(world.databaseUrl);
    url.pathname = '/postgres';
    const worker = startTestWorker({ databaseUrl: url.href, stateDir: world.stateDir, env: { LOG_LEVEL: 'error' } });
    const line = /The database lacks \d\d migrations of this version: run `node scripts\/migrate\.mjs deploy`\./;
    await assert.rejects(worker.logged('worker ready', {}, 90_000), line);
    assert.equal(worker.log.length, 1);
    assert.equal(await worker.kill('SIGKILL'), 1);
    const empty = openDatabase(url.href, { poolSize: 1 });
    const tables = await empty.$queryRaw`SELECT 1 FROM information_schema.schemata WHERE schema_name = 'pgboss'`;
    await empty.$disconnect();
    assert.deepEqual(tables, []);
  });
});

describe('a worker of another version than the service', () => {
  let world: World;
  let worker: TestWorker;
  let runs: SmallRuns;
  before(async () => {
    world = await createWorld();
    worker = await world.startWorker();
    runs = await openSmallRuns(world);
  });
  after(() => world.close());

  /** Of another version by an option of the synthesis, which a trigger adds to its tasks as they are made. */
  const otherRun = async () => {
    await world.database.$executeRaw`CREATE OR REPLACE FUNCTION add_option() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN NEW.payload = jsonb_set(NEW.payload, '{config,newer}', 'true'); RETURN NEW; END $$`;
    await world.database.$executeRaw`CREATE OR REPLACE TRIGGER add_option BEFORE INSERT ON "Task" FOR EACH ROW
      WHEN (NEW.kind = 'SYNTHESIS') EXECUTE FUNCTION add_option()`;
    return runs.newRun({ steps: 5 });
  };
  const mend = (taskId: string) =>
    world.database.$executeRaw`UPDATE "Task" SET payload = payload #- '{config,newer}' WHERE id = ${taskId}::uuid`;

  it('fails the task that it cannot read, in one line, and works on where the database knows of no newer version', async () => {
    const run = await otherRun();
    const { reason, taskId } = await worker.logged('attempt failed', { code: 'OTHER_VERSION' });
    assert.match(
      String(reason),
      /^The task is of another version of the service than its worker \(SYNTHESIS\.config: Unrecognized key: "newer"\): update/,
    );
    await mend(String(taskId));
    await until('the task has succeeded', async () => (await runs.synthesisOf(run.id))?.state === 'SUCCEEDED', 60_000);
    assert.doesNotMatch(JSON.stringify(worker.log), /ZodError/);
  });

  it('hands the task that it cannot read back, uncounted, says so in one line and ends where the service is newer; another goes on with it', async () => {
    await world.database.$executeRaw`INSERT INTO "_prisma_migrations" (id, checksum, migration_name, finished_at)
      VALUES ('newer', '', '29990101000000_newer', now())`;
    const run = await otherRun();
    const task = await until('the task is handed back', async () => {
      const task = await runs.synthesisOf(run.id);
      return task?.taskAttempts[0]?.outcome && task;
    });
    const ended = performance.now();
    // By itself: the signal comes too late to change how it ends.
    await until('the worker has stopped', () => worker.log.some(({ msg }) => msg === 'worker stopped'), 10_000);
    assert.ok(performance.now() - ended < 5_000, 'it waits for nothing');
    assert.equal(await worker.kill('SIGTERM'), 1);
    assert.deepEqual(await runs.outcomes(run.id), ['DRAINED'], 'and it does not take it again');
    assert.equal((await runs.synthesisOf(run.id))?.state, 'QUEUED');
    assert.equal(worker.log.filter(({ msg }) => msg === OUTDATED).length, 1);
    assert.doesNotMatch(JSON.stringify(worker.log), /ZodError/);
    const gone = await world.database.worker.findFirstOrThrow({ where: { pid: worker.pid } });
    assert.equal(gone.state, 'STOPPED');

    // What a worker of the service's version knows to read.
    await mend(task.id);
    worker = await world.startWorker();
    await worker.logged('attempt started', { taskId: task.id, attempt: 2 }, 5_000);
    await until('the task has succeeded', async () => (await runs.synthesisOf(run.id))?.state === 'SUCCEEDED', 40_000);
    assert.deepEqual(await runs.outcomes(run.id), ['DRAINED', 'SUCCEEDED']);
  });

  it('hands back a task that it could read where its result leads to what it cannot; another finishes it', async () => {
    const { database } = world;
    await database.$executeRaw`INSERT INTO "_prisma_migrations" (id, checksum, migration_name, finished_at)
      VALUES ('newer', '', '29990101000000_newer', now()) ON CONFLICT DO NOTHING`;
    await database.$executeRaw`DROP TRIGGER IF EXISTS add_option ON "Task"`;
    await database.$executeRaw`CREATE FUNCTION add_run_option() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      UPDATE "DistillationRun" SET config = jsonb_set(config, '{labels,newer}', 'true') WHERE id = NEW."runId";
      RETURN NULL; END $$`;
    await database.$executeRaw`CREATE TRIGGER add_option AFTER INSERT ON "Task" FOR EACH ROW
      WHEN (NEW.kind = 'SYNTHESIS') EXECUTE FUNCTION add_run_option()`;
    const run = await runs.newRun({ steps: 5 });
    await worker.logged(
      'This worker is of another version than the service ' +
        '(SYNTHESIS.labels: Unrecognized key: "newer"): update it, then start it again.',
    );
    await worker.logged('worker stopped');
    assert.deepEqual(await runs.outcomes(run.id), ['DRAINED']);
    assert.doesNotMatch(JSON.stringify(worker.log), /ZodError/);

    await database.$executeRaw`UPDATE "DistillationRun" SET config = config #- '{labels,newer}' WHERE id = ${run.id}::uuid`;
    worker = await world.startWorker();
    await runs.succeeded(run.id, 60_000);
    assert.deepEqual(await runs.outcomes(run.id), ['DRAINED', 'SUCCEEDED']);
  });
});
