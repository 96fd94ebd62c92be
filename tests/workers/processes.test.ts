import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { requestRunCancel } from '../../src/platform/orchestration/index.js';
import { openSmallRuns, type SmallRuns } from '../support/small-runs.js';
import { until } from '../support/until.js';
import { isAlive, startTestWorker, type TestWorker } from '../support/worker.js';
import { createWorld, type World } from '../support/world.js';

/** Longer than the 10 s after which a worker counts as gone, and the 2 s until somebody looks. */
const OUTAGE_MS = 15_000;

/** Of the same length, one bit of the last value is another. */
const withOtherEnd = (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -1), Buffer.from([(bytes.at(-1) ?? 0) ^ 1])]);

describe('worker processes', () => {
  let world: World;
  /** A test takes what it needs of them by `atWork`, and may end them. */
  let workers: TestWorker[] = [];
  let runs: SmallRuns;
  /** Digest of the images of an undisturbed run. */
  let undisturbed: string;

  const childOf = async (worker: TestWorker, taskId: string, attempt: number): Promise<number> => {
    const { childPid } = await worker.logged('attempt started', { taskId, attempt });
    assert.ok(childPid);
    return childPid;
  };

  /** Exactly so many workers that take tasks: those of the tests before, as far as they are alive. */
  const atWork = async (count: number): Promise<TestWorker[]> => {
    workers = workers.filter(({ pid, log }) => isAlive(pid) && !log.some(({ msg }) => msg === 'worker draining'));
    await Promise.all(workers.splice(count).map((spare) => spare.kill('SIGTERM')));
    while (workers.length < count) workers.push(await world.startWorker());
    return workers;
  };
  const oneAtWork = async (): Promise<TestWorker> => (await atWork(1))[0] as TestWorker;

  const groupOf = (pid: number): string => execFileSync('ps', ['-o', 'pgid=', '-p', String(pid)], { encoding: 'utf8' });

  const holds = (candidate: TestWorker, taskId: string) =>
    candidate.log.some((entry) => entry.msg === 'attempt started' && entry.taskId === taskId);

  before(async () => {
    world = await createWorld();
    await oneAtWork();
    runs = await openSmallRuns(world);
    const run = await runs.newRun();
    await runs.succeeded(run.id);
    undisturbed = (await runs.imagesOf(run.id)) ?? '';
    assert.match(undisturbed, /^sha256:/);
  });
  afterEach(() => runs.leaveNothing());
  after(() => world.close());

  /** Waits for the end of a run that was disturbed, and looks whether that shows in anything. */
  const succeedsAsUndisturbed = async (runId: string) => {
    await runs.succeeded(runId);
    assert.equal(await runs.imagesOf(runId), undisturbed);
    const task = await runs.synthesisOf(runId);
    await until('no checkpoint is left', async () => {
      for await (const _ of world.store.list(`checkpoints/${task?.id}/`)) return false;
      return true;
    });
  };

  /** Of a worker that was signalled midway: the checkpoint that its child waits for is the last one. */
  const drains = async (worker: TestWorker, ending: Promise<number | null>, goOn: () => Promise<void>) => {
    await worker.logged('worker draining');
    await goOn();
    assert.equal(await ending, 0);
  };

  it('are registered with what they compute on', async () => {
    const worker = await oneAtWork();
    const registered = await world.database.worker.findFirstOrThrow({ where: { pid: worker.pid } });
    assert.ok(Date.now() - registered.heartbeatAt.getTime() < 5_000);
    assert.match(registered.tensorflowVersion, /^2\.\d+/);
    assert.match(registered.device, /^(CPU|GPU)/);
  });

  it('warn where a GPU was asked for and none is seen', async () => {
    const env = { TEDDYHUB_TENSORFLOW: 'gpu', CUDA_VISIBLE_DEVICES: '' };
    const worker = startTestWorker({ databaseUrl: 'postgresql://a:b@127.0.0.1:1/c', stateDir: world.stateDir, env });
    try {
      await until('it warns', () => worker.log.some(({ msg }) => /^no GPU is seen: check nvidia-smi/.test(msg)));
    } finally {
      await worker.kill('SIGKILL');
    }
  });

  it('say in one line that their database refuses them, and do not start', async () => {
    const refusals: [(url: URL) => void, RegExp][] = [
      [(url) => url.searchParams.set('user', 'nobody'), /refuses the user or password in DATABASE_URL/],
      [(url) => (url.pathname = '/nothing'), /There is no database .*\/nothing: create it, or check DATABASE_URL/],
    ];
    for (const [change, line] of refusals) {
      const url = new URL(world.databaseUrl);
      change(url);
      const refused = startTestWorker({ databaseUrl: url.href, stateDir: world.stateDir });
      await assert.rejects(refused.logged('worker ready'), line);
      assert.equal(await refused.kill('SIGKILL'), 1);
    }
  });

  it('say in one line what they miss, and do not start', async () => {
    const unconfigured = startTestWorker({ databaseUrl: '', stateDir: world.stateDir });
    await assert.rejects(
      unconfigured.logged('worker ready'),
      /DATABASE_URL: a worker needs the URL of the database it works for\./,
    );
    assert.equal(unconfigured.log.length, 1);
    assert.equal(await unconfigured.kill('SIGKILL'), 1);
  });

  it('go on from the checkpoint to the same bytes when the compute child is killed', async () => {
    const worker = await oneAtWork();
    const { run, task, goOn } = await runs.midway();
    process.kill(await childOf(worker, task.id, 1), 'SIGKILL');
    await goOn();
    await succeedsAsUndisturbed(run.id);
    assert.deepEqual(await runs.outcomes(run.id), ['FAILED', 'SUCCEEDED']);
    const again = await worker.logged('attempt started', { taskId: task.id, attempt: 2 });
    assert.ok((again.fromStep ?? 0) >= 20, 'the second attempt did not begin at the beginning');
  });

  it('end the computation of a canceled run within 5 seconds', async () => {
    const worker = await oneAtWork();
    const { run, task, goOn } = await runs.midway({ steps: 20_000 });
    const child = await childOf(worker, task.id, 1);
    await goOn();
    await world.transact((work) => requestRunCancel(work, run.id, 'a test'));
    assert.equal((await runs.runOf(run.id)).state, 'CANCELED');
    await until('the child has ended', () => !isAlive(child), 5_000);
    await worker.logged('attempt ended', { taskId: task.id, outcome: 'STALE' });
    assert.deepEqual(await runs.outcomes(run.id), ['CANCELED']);
  });

  it('fail a run whose input was damaged, with one line that names it', async () => {
    await oneAtWork();
    const { objectKey } = await world.database.datasetShard.findFirstOrThrow({
      where: { datasetId: runs.dataset.id, split: 'TRAIN' },
    });
    const bytes = await world.store.get(objectKey);
    await world.store.put(objectKey, withOtherEnd(bytes));
    const run = await runs.newRun();
    try {
      // After four attempts: what one machine reads damaged, another may read well.
      await until('the run has failed', async () => (await runs.runOf(run.id)).state === 'FAILED', 120_000);
    } finally {
      await world.store.put(objectKey, bytes);
    }
    const { failureCode, failureMessage } = await runs.runOf(run.id);
    assert.equal(failureCode, 'OBJECT_CORRUPT');
    assert.ok(failureMessage?.includes(objectKey) && !failureMessage.includes('\n'), failureMessage ?? 'no message');
  });

  it('wait for a database that is away longer than heartbeats may be, and go on with the same attempt', async () => {
    const worker = await oneAtWork();
    const { run, task } = await runs.midway();
    const child = await childOf(worker, task.id, 1);
    // In the middle of the write, which nobody holds up any more when the database is back.
    const restart = await world.stopDatabase();
    try {
      await wait(OUTAGE_MS);
      assert.ok(isAlive(child) && isAlive(worker.pid), 'both outlive it');
    } finally {
      await restart();
    }
    await succeedsAsUndisturbed(run.id);
    assert.deepEqual(await runs.outcomes(run.id), ['SUCCEEDED']);
  });

  it('share the tasks of a run, none is computed twice, and the bytes are those that one worker makes alone', async () => {
    const options = { imagesPerClass: 4, imagesPerClassPerTask: 1, steps: 5 };
    await oneAtWork();
    const alone = await runs.newRun(options);
    await runs.succeeded(alone.id);
    await atWork(2);
    const run = await runs.newRun(options);
    await runs.succeeded(run.id);
    const digests = await runs.digestsOf(run.id);
    assert.equal(new Set(digests).size, 6, 'of four tasks, and STATIC and FKD labels');
    assert.deepEqual(digests, await runs.digestsOf(alone.id));
    const tasks = await world.database.task.findMany({
      where: { runId: run.id },
      include: { taskAttempts: true },
    });
    assert.ok(tasks.every((task) => task.taskAttempts.length === 1));
    const computedBy = new Set(tasks.map((task) => task.workerId));
    assert.equal(computedBy.size, 2, 'both had work to do');
  });

  it('keep their tasks through an outage, though an idle worker is back as early as they are', async () => {
    await atWork(2);
    const { run, task } = await runs.midway({ steps: 600 });
    const restart = await world.stopDatabase();
    try {
      await wait(OUTAGE_MS);
    } finally {
      await restart();
    }
    await runs.succeeded(run.id);
    assert.deepEqual(await runs.outcomes(run.id), ['SUCCEEDED']);
    const { workerId } = await world.database.task.findUniqueOrThrow({ where: { id: task.id } });
    assert.equal(workerId, task.workerId);
  });

  it('hand their task back on SIGTERM, for another to take at once', async () => {
    const [worker, second] = (await atWork(2)) as [TestWorker, TestWorker];
    const { run, task, goOn } = await runs.midway();
    const [holder, other] = holds(worker, task.id) ? [worker, second] : [second, worker];
    const child = await childOf(holder, task.id, 1);
    const began = performance.now();
    await drains(holder, holder.kill('SIGTERM'), goOn);
    assert.ok(performance.now() - began < 5_000, 'the drain took seconds');
    assert.ok(!isAlive(child));
    await other.logged('attempt started', { taskId: task.id, attempt: 2 }, 5_000);
    await succeedsAsUndisturbed(run.id);
    assert.deepEqual(await runs.outcomes(run.id), ['DRAINED', 'SUCCEEDED']);
    const gone = await world.database.worker.findFirstOrThrow({ where: { pid: holder.pid } });
    assert.equal(gone.state, 'STOPPED');
  });

  const spoilt: Record<string, (key: string) => Promise<void>> = {
    'was lost': (key) => world.store.delete(key),
    'was damaged': async (key) => world.store.put(key, withOtherEnd(await world.store.get(key))),
  };
  for (const [what, spoil] of Object.entries(spoilt)) {
    it(`begin afresh, to the same bytes, where the checkpoint ${what}`, async () => {
      const worker = await oneAtWork();
      const { run, task, goOn } = await runs.midway();
      await drains(worker, worker.kill('SIGTERM'), goOn);
      const { checkpointKey } = await world.database.task.findUniqueOrThrow({ where: { id: task.id } });
      assert.ok(checkpointKey);
      await spoil(checkpointKey);
      await oneAtWork();
      await succeedsAsUndisturbed(run.id);
      assert.deepEqual(await runs.outcomes(run.id), ['DRAINED', 'SUCCEEDED']);
    });
  }

  it('save what they have computed on SIGTERM, however far the next checkpoint is', async () => {
    const worker = await oneAtWork();
    const run = await runs.newRun({ steps: 20_000, checkpointEvery: 20_000 });
    const task = await until('some steps are done', async () => {
      const task = await runs.synthesisOf(run.id);
      return task !== null && task.step >= 20 && task;
    });
    assert.equal(await worker.kill('SIGTERM'), 0);
    const saved = (await runs.synthesisOf(run.id))?.checkpointStep ?? 0;
    assert.ok(saved >= task.step, `of ${task.step} steps ${saved} are in a checkpoint`);
    const next = await oneAtWork();
    const { fromStep } = await next.logged('attempt started', { taskId: task.id, attempt: 2 });
    assert.equal(fromStep, saved);
  });

  it('hand their task back as well where every process is signalled, and this one twice', async () => {
    const worker = await oneAtWork();
    const { run, task, goOn } = await runs.midway();
    const child = await childOf(worker, task.id, 1);
    // All within a moment: one that comes later is somebody's who will not wait.
    for (const pid of [worker.pid, child]) process.kill(pid, 'SIGTERM');
    const ending = worker.kill('SIGTERM');
    await goOn();
    assert.equal(await ending, 0);
    assert.deepEqual(await runs.outcomes(run.id), ['DRAINED']);
    await oneAtWork();
    await succeedsAsUndisturbed(run.id);
  });

  it('go on where a checkpoint cannot be recorded, for whatever reason', async () => {
    const worker = await oneAtWork();
    const allow = await world.refuseWrites('Task', 'P0001', 'NEW."checkpointKey" IS NOT NULL');
    try {
      const run = await runs.newRun();
      await runs.succeeded(run.id);
      assert.equal(await runs.imagesOf(run.id), undisturbed);
      assert.deepEqual(await runs.outcomes(run.id), ['SUCCEEDED']);
      const where = { runId: run.id, kind: 'SYNTHESIS' as const };
      const { id: taskId } = await world.database.task.findFirstOrThrow({ where });
      await worker.logged('report not written', { taskId });
    } finally {
      await allow();
    }
  });

  it('say why they cannot take a task, which the queue keeps to itself, and take it once they can', async () => {
    const worker = await oneAtWork();
    const allow = await world.refuseWrites('TaskAttempt', 'P0001', `NEW."outcome" IS NULL`);
    const run = await runs.newRun();
    const { taskId } = await worker.logged('task not taken').finally(allow);
    await runs.succeeded(run.id);
    assert.equal((await runs.synthesisOf(run.id))?.id, taskId);
    assert.deepEqual(await runs.outcomes(run.id), ['SUCCEEDED']);
  });

  it('keep what they have computed while the disk of the database is full, and record it once there is room', async () => {
    const allow = await world.refuseWrites('TaskAttempt', '53100', `NEW."outcome" = 'SUCCEEDED'`);
    const worker = await oneAtWork();
    const run = await runs.newRun();
    await worker
      .logged('database unavailable, waiting for it', {
        reason: 'The disk of the database is full: free some space, then retry.',
      })
      .finally(allow);
    await runs.succeeded(run.id);
    assert.equal(await runs.imagesOf(run.id), undisturbed);
    assert.deepEqual(await runs.outcomes(run.id), ['SUCCEEDED']);
  });

  it('hand their task back on Ctrl-C, which their child does not see', async () => {
    const worker = await oneAtWork();
    const { run, task, goOn } = await runs.midway();
    const child = await childOf(worker, task.id, 1);
    assert.notEqual(groupOf(child), groupOf(worker.pid), 'a terminal signals the group of the worker');
    await drains(worker, worker.interrupt(), goOn);
    assert.ok(!isAlive(child));
    assert.deepEqual(await runs.outcomes(run.id), ['DRAINED']);
    await oneAtWork();
    await succeedsAsUndisturbed(run.id);
    assert.deepEqual(await runs.outcomes(run.id), ['DRAINED', 'SUCCEEDED']);
  });

  it('are replaced when one is killed: another takes its task to the same bytes, and its child ends by itself', async () => {
    const worker = await oneAtWork();
    const { run, task, goOn } = await runs.midway();
    const child = await childOf(worker, task.id, 1);
    await worker.kill('SIGKILL');
    await goOn();
    await until('the orphan has ended', () => !isAlive(child), 10_000);
    await oneAtWork();
    await succeedsAsUndisturbed(run.id);
    assert.deepEqual(await runs.outcomes(run.id), ['LOST', 'SUCCEEDED']);
  });
});
