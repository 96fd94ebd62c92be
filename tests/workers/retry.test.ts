import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newFailure } from '../../src/domain/errors.js';
import { TaskRepository } from '../../src/modules/task/task.repository.js';
import { objectMissing } from '../../src/platform/object-store/object-store.js';
import {
  continueRun,
  failAttempt,
  recordCheckpoint,
  requestRunCancel,
  startRun,
} from '../../src/platform/orchestration/index.js';
import { claimNext, complete, workOff } from '../support/by-hand.js';
import { failureWith } from '../support/failure.js';
import { seedDataset, seedPool, seedProject, seedRun } from '../support/seeds.js';
import { createWorld, type World } from '../support/world.js';

describe('a retry', () => {
  let world: World;
  before(async () => {
    world = await createWorld();
  });
  after(() => world.close());

  const startedRun = async (config?: object) => {
    const dataset = await seedDataset(world.database, await seedProject(world.database));
    const run = await seedRun(world.database, await seedPool(world.database, dataset, 1), config);
    await world.transact((work) => startRun(work, run.id));
    return run;
  };
  const runOf = (id: string) => world.database.distillationRun.findUniqueOrThrow({ where: { id } });
  const retryOf = async (id: string) => {
    const { projectId, datasetId, poolId, config, seed } = await runOf(id);
    const data = { projectId, datasetId, poolId, config: config as object, seed, name: 'again' };
    const retry = await world.database.distillationRun.create({ data });
    await world.transact((work) => continueRun(work, id, retry.id));
    return retry;
  };
  /** All statistics of the run's dataset. */
  const statisticsOf = async (runId: string) => {
    const where = { id: (await runOf(runId)).datasetId };
    const { contentDigest } = await world.database.dataset.findUniqueOrThrow({ where });
    return { where: { datasetDigest: contentDigest as string } };
  };
  const tasksOf = (runId: string, kind?: 'SYNTHESIS') =>
    world.database.task.findMany({
      where: { runId, ...(kind && { kind }) },
      orderBy: [{ kind: 'asc' }, { index: 'asc' }],
    });
  /** Fails the run by an attempt at its next task, as often as that is tried. */
  const failBy = async (runId: string, failure: ReturnType<typeof newFailure>) => {
    while ((await failAttempt(world, await claimNext(world, { runId }), failure)) !== 'FAILED');
  };

  it('makes statistics again that were lost or damaged', async () => {
    const run = await startedRun();
    await complete(world, await claimNext(world, { runId: run.id }));
    const ofDataset = await statisticsOf(run.id);
    const [kept] = await world.database.teacherStatistics.findMany(ofDataset);
    assert.ok(kept);
    await failBy(run.id, objectMissing(kept.objectKey).failure);
    assert.equal(await world.database.teacherStatistics.count(ofDataset), 0);
    const retry = await retryOf(run.id);
    assert.deepEqual(await workOff(world, { runId: retry.id }), ['STATISTICS', 'SYNTHESIS', 'LABELING', 'PUBLISHING']);
    assert.equal((await runOf(retry.id)).state, 'SUCCEEDED');
  });

  it('of a run that is synthesized needs statistics only to begin: forgotten again, it publishes those of then', async () => {
    const run = await startedRun();
    while ((await runOf(run.id)).state !== 'LABELING') {
      await complete(world, await claimNext(world, { runId: run.id }));
    }
    const forget = async () => world.database.teacherStatistics.deleteMany(await statisticsOf(run.id));
    const payloadOf = async (runId: string, kind: 'SYNTHESIS' | 'PUBLISHING') =>
      (await world.database.task.findFirstOrThrow({ where: { runId, kind } })).payload as { teachers: unknown };
    const { teachers } = await payloadOf(run.id, 'SYNTHESIS');
    await failBy(run.id, newFailure('NUMERICS', 'No number.'));
    await forget();
    const retry = await retryOf(run.id);
    await complete(world, await claimNext(world, { runId: retry.id }));
    assert.equal((await runOf(retry.id)).state, 'LABELING');
    await forget();
    await complete(world, await claimNext(world, { runId: retry.id }));
    assert.equal((await runOf(retry.id)).state, 'PUBLISHING');
    assert.deepEqual((await payloadOf(retry.id, 'PUBLISHING')).teachers, teachers);
  });

  it('that ended before its synthesis began hands all of that on: its own retry lacks no image and no checkpoint', async () => {
    const run = await startedRun({ synthesis: { imagesPerClass: 4, imagesPerClassPerTask: 1 } });
    await complete(world, await claimNext(world, { runId: run.id }));
    await complete(world, await claimNext(world, { runId: run.id }));
    const half = await claimNext(world, { runId: run.id });
    await recordCheckpoint(world, half, 'checkpoints/half', 50);
    const [kept] = await world.database.teacherStatistics.findMany(await statisticsOf(run.id));
    assert.ok(kept);
    assert.equal(await failAttempt(world, half, objectMissing(kept.objectKey).failure), 'RETRY');
    await failBy(run.id, objectMissing(kept.objectKey).failure);
    // As of a version that had cut it in another way.
    await world.database.$executeRaw`
      UPDATE "Task" SET payload = jsonb_set(payload, '{classes}', '[1, 0]') WHERE "runId" = ${run.id}::uuid AND kind = 'SYNTHESIS'`;
    const first = await retryOf(run.id);
    await world.transact((work) => requestRunCancel(work, first.id, 'a test'));
    const second = await retryOf(first.id);
    const stands = async () =>
      (await tasksOf(second.id, 'SYNTHESIS')).map(({ state, checkpointKey, payload }) => [
        ...[state, checkpointKey],
        (payload as { classes: number[] }).classes.join(),
      ]);
    const expected = [
      ['SUCCEEDED', null, '1,0'],
      ['QUEUED', 'checkpoints/half', '1,0'],
      ['QUEUED', null, '1,0'],
      ['QUEUED', null, '1,0'],
    ];
    assert.deepEqual(await stands(), expected);
    const tasks = new TaskRepository(world.database);
    assert.deepEqual(
      (await tasks.queue(run.projectId)).map(({ kind, queued }) => [kind, queued]),
      [['STATISTICS', 1]],
      'what it holds waits for no worker',
    );
    const [progress] = await tasks.progressOfRuns(run.projectId, [{ id: second.id, kind: null }]);
    assert.equal(progress?.tasks, 1, 'it is at its statistics');
    const [before] = await tasksOf(second.id, 'SYNTHESIS');
    const statistics = await claimNext(world, { runId: second.id });
    assert.equal(statistics.kind, 'STATISTICS');
    await complete(world, statistics);
    assert.deepEqual(await stands(), expected, 'what it holds is offered as it is');
    const offered = await claimNext(world, { runId: second.id });
    assert.deepEqual(offered.checkpoint, { key: 'checkpoints/half', step: 50 });
    const [anew] = await world.database.teacherStatistics.findMany(await statisticsOf(run.id));
    assert.notEqual(anew?.objectKey, kept.objectKey);
    assert.match(JSON.stringify(offered.payload), new RegExp(`${anew?.objectKey}`), 'by the statistics of now');
    await complete(world, offered);
    await workOff(world, { runId: second.id });
    assert.equal((await runOf(second.id)).state, 'SUCCEEDED');
    assert.equal((await tasksOf(second.id, 'SYNTHESIS'))[0]?.id, before?.id);
  });

  it('of a run that lacks a part of its plan, as an earlier version left some, is refused', async () => {
    const run = await startedRun({ synthesis: { imagesPerClass: 2, imagesPerClassPerTask: 1 } });
    await complete(world, await claimNext(world, { runId: run.id }));
    await complete(world, await claimNext(world, { runId: run.id }));
    await world.transact((work) => requestRunCancel(work, run.id, 'a test'));
    await world.database.task.deleteMany({ where: { runId: run.id, kind: 'SYNTHESIS', state: 'CANCELED' } });
    await assert.rejects(retryOf(run.id), failureWith('INVALID_STATE', /tasks for \d+ of its \d+ images.*clone it/));
  });
});
