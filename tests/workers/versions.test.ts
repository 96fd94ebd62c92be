import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openSmallRuns, type SmallRuns } from '../support/small-runs.js';
import { until } from '../support/until.js';
import type { TestWorker } from '../support/worker.js';
import { createWorld, type World } from '../support/world.js';

const OUTDATED =
  'This worker is of another version than the service ' +
  '(SYNTHESIS.config: Unrecognized key: "newer"): update it, then start it again.';

describe('a worker that is older than the service', () => {
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
  const newerRun = async () => {
    await world.database.$executeRaw`CREATE FUNCTION add_option() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN NEW.payload = jsonb_set(NEW.payload, '{config,newer}', 'true'); RETURN NEW; END $$`;
    await world.database.$executeRaw`CREATE TRIGGER add_option BEFORE INSERT ON "Task" FOR EACH ROW
      WHEN (NEW.kind = 'SYNTHESIS') EXECUTE FUNCTION add_option()`;
    return runs.newRun({ steps: 5 });
  };

  it('hands the task that it cannot read back, uncounted, says so in one line and ends; another goes on with it', async () => {
    const run = await newerRun();
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
    await world.database
      .$executeRaw`UPDATE "Task" SET payload = payload #- '{config,newer}' WHERE id = ${task.id}::uuid`;
    worker = await world.startWorker();
    await worker.logged('attempt started', { taskId: task.id, attempt: 2 }, 5_000);
    await until('the task has succeeded', async () => (await runs.synthesisOf(run.id))?.state === 'SUCCEEDED', 40_000);
    assert.deepEqual(await runs.outcomes(run.id), ['DRAINED', 'SUCCEEDED']);
  });
});
