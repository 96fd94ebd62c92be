import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type FailureCode, newFailure } from '../../src/domain/errors.js';
import { newId } from '../../src/domain/ids.js';
import { createLog } from '../../src/platform/log.js';
import {
  type Claim,
  claimTask,
  completeTask,
  failAttempt,
  failDeadTask,
  handBackTask,
  recordCheckpoint,
  reportProgress,
  startRun,
} from '../../src/platform/orchestration/index.js';
import { EXPIRE_SECONDS, openTaskQueue } from '../../src/platform/queue/task-queue.js';
import { claimNext, complete, newWorker, nextTask, RESULTS } from '../support/by-hand.js';
import { seedDataset, seedPool, seedProject, seedRun } from '../support/seeds.js';
import { until } from '../support/until.js';
import { createWorld, type World } from '../support/world.js';

const STALE = { code: 'STALE_ATTEMPT' };

describe('an attempt', () => {
  let world: World;
  before(async () => {
    world = await createWorld();
  });
  after(() => world.close());

  const startedRun = async (teachers = 2) => {
    const dataset = await seedDataset(world.database, await seedProject(world.database));
    const run = await seedRun(world.database, await seedPool(world.database, dataset, teachers));
    await world.transact((work) => startRun(work, run.id));
    return run;
  };
  /** A run with a task that is to be had, and a worker that takes it. */
  const delivered = async () => {
    const run = await startedRun();
    return { run, task: await nextTask(world, { runId: run.id }), worker: await newWorker(world) };
  };
  const runOf = (id: string) => world.database.distillationRun.findUniqueOrThrow({ where: { id } });
  const taskOf = (claim: Claim) => world.database.task.findUniqueOrThrow({ where: { id: claim.taskId } });
  const attemptOf = (claim: Claim) => world.database.taskAttempt.findUniqueOrThrow({ where: { id: claim.attemptId } });
  const claimAgain = async (claim: Claim): Promise<Claim> => {
    const again = await claimTask(world, claim.taskId, await newWorker(world));
    assert.ok(again);
    return again;
  };

  it('that was taken over can write nothing, and what it tried is counted', async () => {
    const run = await startedRun();
    const stale = await claimNext(world, { runId: run.id });
    const fresh = await claimAgain(stale);
    assert.ok(fresh.fence > stale.fence);

    await assert.rejects(reportProgress(world, stale, { step: 9, totalSteps: 10, loss: 0 }, []), STALE);
    await assert.rejects(recordCheckpoint(world, stale, 'checkpoints/stale', 9), STALE);
    await assert.rejects(completeTask(world, stale, RESULTS.STATISTICS()), STALE);
    await assert.rejects(failAttempt(world, stale, newFailure('INTERNAL', 'late')), STALE);
    await assert.rejects(handBackTask(world, stale, 'late'), STALE);

    const [refused, task] = [await attemptOf(stale), await taskOf(stale)];
    assert.equal(refused.refusedWrites, 5);
    assert.equal(refused.outcome, 'LOST');
    assert.deepEqual([task.state, task.step, task.checkpointKey], ['RUNNING', 0, null]);
    assert.equal((await attemptOf(fresh)).refusedWrites, 0);
    await complete(world, fresh);
    assert.equal((await taskOf(fresh)).state, 'SUCCEEDED');
  });

  it('that was lost ends with the last sign of life of its worker', async () => {
    const run = await startedRun();
    const heartbeatAt = new Date(Date.now() + 3_600_000);
    const lost = await claimNext(world, { runId: run.id }, await newWorker(world, heartbeatAt));
    await claimAgain(lost);
    const { endedAt, outcome } = await attemptOf(lost);
    assert.equal(outcome, 'LOST');
    assert.deepEqual(endedAt, heartbeatAt);
  });

  it('that the queue took from a healthy worker after 23 hours does not speak against the task', async () => {
    const run = await startedRun();
    const long = await claimNext(world, { runId: run.id });
    const startedAt = new Date(Date.now() - EXPIRE_SECONDS * 1000);
    await world.database.taskAttempt.update({ where: { id: long.attemptId }, data: { startedAt } });
    await claimAgain(long);
    const { outcome, reason } = await attemptOf(long);
    assert.equal(outcome, 'DRAINED');
    assert.match(reason ?? '', /longer than the queue/);
  });

  it('goes on from the checkpoint of the one before, and says so', async () => {
    const run = await startedRun();
    const first = await claimNext(world, { runId: run.id });
    assert.equal(first.checkpoint, null);
    assert.equal(await recordCheckpoint(world, first, 'checkpoints/a', 10), null);
    assert.equal(await recordCheckpoint(world, first, 'checkpoints/b', 20), 'checkpoints/a', 'names what it replaces');
    await reportProgress(world, first, { step: 25, totalSteps: 30, loss: 1 }, []);
    const second = await claimAgain(first);
    assert.deepEqual(second.checkpoint, { key: 'checkpoints/b', step: 20 });
    assert.equal((await taskOf(second)).step, 20);
    const started = await world.database.runEvent.findMany({
      where: { runId: run.id, type: 'TASK_STARTED' },
      orderBy: { sequence: 'asc' },
    });
    assert.deepEqual(
      started.map((event) => (event.payload as { fromStep: number }).fromStep),
      [0, 20],
    );
  });

  it('keeps the points of its curves once, whoever wrote them', async () => {
    const run = await startedRun();
    const first = await claimNext(world, { runId: run.id });
    await reportProgress(world, first, null, [{ name: 'loss', step: 1, value: 5 }]);
    const second = await claimAgain(first);
    await reportProgress(world, second, null, [
      { name: 'loss', step: 1, value: 6 },
      { name: 'loss', step: 2, value: 4 },
    ]);
    const points = await world.database.metricPoint.findMany({ where: { runId: run.id }, orderBy: { step: 'asc' } });
    assert.deepEqual(
      points.map(({ step, value }) => [step, value]),
      [
        [1, 5],
        [2, 4],
      ],
    );
  });

  it('that fails for a passing reason is followed by another, four in all', async () => {
    const { run, task, worker } = await delivered();
    for (const verdict of ['RETRY', 'RETRY', 'RETRY', 'FAILED']) {
      const claim = await claimTask(world, task.id, worker);
      assert.ok(claim);
      assert.equal(await failAttempt(world, claim, newFailure('INTERNAL', 'The driver is lost.')), verdict);
    }
    const failed = await runOf(run.id);
    assert.equal(failed.state, 'FAILED');
    assert.deepEqual(
      [failed.failureKind, failed.failureCode, failed.failureMessage, failed.failureRetryable],
      ['SYSTEM', 'INTERNAL', 'The driver is lost. (given up after 4 attempts)', true],
    );
    assert.equal(await claimTask(world, task.id, worker), null);
  });

  it('that met an outage of the store is followed by another for an hour, and speaks against no task', async () => {
    const { run, task, worker } = await delivered();
    const meets = async (code: FailureCode): Promise<'RETRY' | 'FAILED'> => {
      const claim = await claimTask(world, task.id, worker);
      assert.ok(claim);
      return failAttempt(world, claim, newFailure(code, 'The store does not answer.'));
    };
    for (let attempt = 0; attempt < 99; attempt++) {
      assert.equal(await meets(attempt % 2 === 0 ? 'UNAVAILABLE' : 'STORAGE_FULL'), 'RETRY');
    }
    for (let attempt = 0; attempt < 3; attempt++) assert.equal(await meets('INTERNAL'), 'RETRY');
    assert.equal(await meets('UNAVAILABLE'), 'FAILED');
    const { failureCode, failureMessage } = await runOf(run.id);
    assert.deepEqual(
      [failureCode, failureMessage],
      ['UNAVAILABLE', 'The store does not answer. (given up after 100 attempts)'],
    );
  });

  it('that met an outage only after computing for long is one of four: the disk of its worker may be too small', async () => {
    const { task, worker } = await delivered();
    for (const verdict of ['RETRY', 'RETRY', 'RETRY', 'FAILED']) {
      const claim = await claimTask(world, task.id, worker);
      assert.ok(claim);
      const startedAt = new Date(Date.now() - 2 * 3_600_000);
      await world.database.taskAttempt.update({ where: { id: claim.attemptId }, data: { startedAt } });
      assert.equal(await failAttempt(world, claim, newFailure('STORAGE_FULL', 'The disk is full.')), verdict);
    }
  });

  it('that recorded another checkpoint of the same step got further: static labels have no steps', async () => {
    const { task, worker } = await delivered();
    for (let attempt = 0; attempt < 8; attempt++) {
      const claim = await claimTask(world, task.id, worker);
      assert.ok(claim, `attempt ${attempt}`);
      await recordCheckpoint(world, claim, `checkpoints/${attempt}`, 0);
    }
    for (let attempt = 0; attempt < 4; attempt++) assert.ok(await claimTask(world, task.id, worker));
    assert.equal(await claimTask(world, task.id, worker), null);
  });

  it('that got further than the ones before is the first of four again: days of training lose more workers than a step may', async () => {
    const { task, worker } = await delivered();
    for (let day = 1; day <= 3; day++) {
      for (let attempt = 0; attempt < 3; attempt++) {
        const claim = await claimTask(world, task.id, worker);
        assert.ok(claim, `day ${day}, attempt ${attempt}`);
        if (attempt === 2) await recordCheckpoint(world, claim, `checkpoints/${day}`, 100 * day);
        if (attempt === 1) assert.equal(await failAttempt(world, claim, newFailure('INTERNAL', 'Lost.')), 'RETRY');
      }
    }
    const where = { taskId: task.id, outcome: { in: ['FAILED' as const, 'LOST' as const] } };
    assert.equal(await world.database.taskAttempt.count({ where }), 8);
    for (let attempt = 0; attempt < 4; attempt++) assert.ok(await claimTask(world, task.id, worker));
    assert.equal(await claimTask(world, task.id, worker), null, 'four at the same step are enough');
  });

  it('that fails for good fails the run with its one line, and withdraws the other tasks', async () => {
    const run = await startedRun(3);
    const failing = await claimNext(world, { runId: run.id });
    const running = await claimNext(world, { runId: run.id });
    const message = 'The loss became NaN: use a smaller rate.';
    assert.equal(await failAttempt(world, failing, newFailure('NUMERICS', message)), 'FAILED');

    const { state, failureMessage } = await runOf(run.id);
    assert.deepEqual([state, failureMessage], ['FAILED', message]);
    const tasks = await world.database.task.findMany({ where: { runId: run.id }, orderBy: { index: 'asc' } });
    assert.deepEqual(
      tasks.map((task) => task.state),
      ['FAILED', 'CANCELED', 'CANCELED'],
    );
    assert.equal((await attemptOf(running)).outcome, 'CANCELED');
    await assert.rejects(complete(world, running), STALE);
    const last = await world.database.runEvent.findFirstOrThrow({
      where: { runId: run.id },
      orderBy: { sequence: 'desc' },
    });
    assert.deepEqual(last.payload, {
      from: 'PREPARING',
      to: 'FAILED',
      failure: { kind: 'USER', code: 'NUMERICS', message, retryable: false },
    });
  });

  it('whose workers are lost again and again is not tried for ever', async () => {
    const { run, task, worker } = await delivered();
    for (let attempt = 0; attempt < 4; attempt++) assert.ok(await claimTask(world, task.id, worker));
    assert.equal(await claimTask(world, task.id, worker), null);
    const { state, failureCode, failureMessage } = await runOf(run.id);
    assert.deepEqual([state, failureCode], ['FAILED', 'WORKER_LOST']);
    assert.match(failureMessage ?? '', /^Task STATISTICS 0 was tried 4 times and its workers were lost: .*$/);
  });

  it('whose attempts failed before its worker was lost tells of both, and counts no drained one', async () => {
    const { run, task, worker } = await delivered();
    const claimed = async () => (await claimTask(world, task.id, worker)) as Claim;
    await handBackTask(world, await claimed(), 'drained');
    const lost = newFailure('INTERNAL', 'The driver was lost.');
    for (let attempt = 0; attempt < 3; attempt++) await failAttempt(world, await claimed(), lost);
    await claimed();
    assert.equal(await claimTask(world, task.id, worker), null);
    const { failureMessage } = await runOf(run.id);
    assert.match(failureMessage ?? '', /was tried 4 times .* Attempt 4 had failed: INTERNAL: The driver was lost\.$/);
  });

  it('that is handed back is offered again at once, and is not held against its task', async () => {
    const run = await startedRun(1);
    const task = await nextTask(world, { runId: run.id });
    const worker = await newWorker(world);
    for (let round = 0; round < 6; round++) {
      const claim = await claimTask(world, task.id, worker);
      assert.ok(claim, `round ${round}`);
      await handBackTask(world, claim, 'drained');
      assert.equal((await taskOf(claim)).state, 'QUEUED');
    }
    const [job] = await world.database.$queryRaw<{ ready: boolean }[]>`
      SELECT state = 'created' AND start_after <= now() AS ready FROM pgboss.job WHERE id = ${task.id}::uuid`;
    assert.deepEqual(job, { ready: true });
  });

  it('is claimed once, though the answer to the first claim was lost', async () => {
    const run = await startedRun();
    const { id } = await nextTask(world, { runId: run.id });
    const [worker, attemptId] = [await newWorker(world), newId()];
    const first = await claimTask(world, id, worker, attemptId);
    assert.deepEqual(await claimTask(world, id, worker, attemptId), first);
    const attempts = await world.database.taskAttempt.findMany({ where: { taskId: id } });
    assert.deepEqual(
      attempts.map(({ number, outcome }) => [number, outcome]),
      [[1, null]],
    );
    assert.equal(await world.database.runEvent.count({ where: { runId: run.id, type: 'TASK_STARTED' } }), 1);
    // Once somebody else has it, the claim is no claim any more.
    const other = await claimTask(world, id, await newWorker(world));
    assert.equal(other?.attempt, 2);
  });

  it('may say its last word twice, when the answer to the first was lost', async () => {
    const run = await startedRun();
    const done = await claimNext(world, { runId: run.id });
    await complete(world, done);
    await complete(world, done);
    assert.equal((await attemptOf(done)).refusedWrites, 0);

    const failed = await claimNext(world, { runId: run.id });
    assert.equal(await failAttempt(world, failed, newFailure('UNAVAILABLE', 'away')), 'RETRY');
    assert.equal(await failAttempt(world, failed, newFailure('UNAVAILABLE', 'away')), 'RETRY');
    assert.equal(
      await world.database.runEvent.count({ where: { runId: run.id, type: 'ATTEMPT_ENDED' } }),
      1,
      'and is heard once',
    );
  });

  it('never comes for a task that the queue gave up: the run fails instead of waiting', async () => {
    const run = await startedRun();
    const task = await nextTask(world, { runId: run.id });
    await world.database.$executeRaw`
      UPDATE pgboss.job SET state = 'active', retry_limit = 0, started_on = now() - interval '2 days', expire_seconds = 1
      WHERE id = ${task.id}::uuid`;
    const queue = await openTaskQueue(world.databaseUrl, { log: createLog('test', 'silent'), role: 'WORKER' });
    try {
      await queue.workDead((taskId) => failDeadTask(world, taskId));
      await until('the run has failed', async () => (await runOf(run.id)).state === 'FAILED');
      assert.equal((await runOf(run.id)).failureCode, 'WORKER_LOST');
    } finally {
      await queue.close();
    }
  });
});
