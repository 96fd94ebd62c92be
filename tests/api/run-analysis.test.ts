import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { toGlobalId } from '../../src/modules/kit/node.js';
import type { DistillationRun, TeacherPool } from '../../src/platform/database/generated/client.js';
import { startRun } from '../../src/platform/orchestration/index.js';
import { claimNext, newWorker, workOff } from '../support/by-hand.js';
import { seedDataset, seedEvaluation, seedPool, seedRun, someObject } from '../support/seeds.js';
import { idOf, readRun } from './run.js';
import { at, listAt, openApi, type TestApi } from './server.js';

let api: TestApi;
let pool: TeacherPool;
before(async () => {
  api = await openApi();
  pool = await seedPool(api.world.database, await seedDataset(api.world.database, api.project));
});
after(() => api.close());

const read = (run: DistillationRun, fields: string) => readRun(api, run, fields);
const mutate = (name: string, input: Record<string, unknown>, fields = 'distillationRun { id name labels version }') =>
  api.mutate(name, `${name[0]!.toUpperCase()}${name.slice(1)}Input`, fields, input);

describe('curves', () => {
  it('are sampled to as many points as are asked for, and keep their extremes', async () => {
    const { database } = api.world;
    const run = await seedRun(database, pool);
    const tasks = await Promise.all(
      [0, 1].map((index) =>
        database.task.create({
          data: { projectId: api.project.id, kind: 'SYNTHESIS', index, runId: run.id, payload: {} },
        }),
      ),
    );
    // The second task lies two above the first; step 500 of the first is a peak.
    await database.metricPoint.createMany({
      data: tasks.flatMap(({ id: taskId }, index) =>
        Array.from({ length: 1000 }, (_, step) => ({
          ...{ runId: run.id, taskId, name: 'loss', step },
          value: 2 * index + (step === 500 && index === 0 ? 1001 : 1),
        })),
      ),
    });
    await database.metricPoint.create({
      data: { runId: run.id, taskId: tasks[0]!.id, name: 'accuracy', step: 3, value: 50 },
    });
    const result = await read(
      run,
      `metricNames all: metricSeries(name: "loss", maxPoints: 1000) { samples { step mean min max points } }
       ten: metricSeries(name: "loss", maxPoints: 10) { name samples { step mean min max points } }
       one: metricSeries(name: "accuracy") { samples { step mean points } }
       none: metricSeries(name: "nothing") { samples { step } }`,
    );
    assert.deepEqual(at(result, 'metricNames'), ['accuracy', 'loss']);
    assert.equal(listAt(result, 'all.samples').length, 1000);
    assert.deepEqual(at(result, 'all.samples.3'), { step: 3, mean: 2, min: 1, max: 3, points: 2 });
    const ten = listAt(result, 'ten.samples');
    assert.equal(ten.length, 10);
    assert.deepEqual(ten[0], { step: 99, mean: 2, min: 1, max: 3, points: 200 });
    assert.deepEqual(ten[5], { step: 599, mean: 7, min: 1, max: 1001, points: 200 });
    assert.deepEqual(at(result, 'one.samples'), [{ step: 3, mean: 50, points: 1 }]);
    assert.deepEqual(at(result, 'none.samples'), []);
    for (const maxPoints of [0, 1001]) {
      const { errors } = await api.send(
        `query ($id: ID!) { distillationRun(id: $id) { metricSeries(name: "loss", maxPoints: ${maxPoints}) { name } } }`,
        { id: idOf(run) },
      );
      assert.deepEqual(
        errors.map((error) => error.extensions.code),
        ['BAD_USER_INPUT'],
      );
    }
  });

  it('of several runs are aligned, and their options compared', async () => {
    const { database } = api.world;
    const [a, b] = [await seedRun(database, pool), await seedRun(database, pool, { synthesis: { steps: 7 } })];
    const points = (run: DistillationRun, steps: number[], value: number) =>
      database.metricPoint.createMany({
        data: steps.map((step) => ({ runId: run.id, taskId: run.id, name: 'loss', step, value })),
      });
    await points(a, [0, 1, 2, 3], 1);
    await points(b, [2, 3, 6, 7], 5);
    const query = `query ($ids: [ID!]!) { compareRuns(ids: $ids) { runs { id } metricNames
      config(onlyDifferences: true) { path values differs } everything: config { path }
      metrics(name: "loss", maxPoints: 4) { steps runs { distillationRun { id } values } } } }`;
    const { data, errors } = await api.send(query, { ids: [idOf(b), idOf(a)] });
    assert.deepEqual(errors, []);
    const compared = at(data, 'compareRuns');
    assert.deepEqual(listAt(compared, 'runs'), [{ id: idOf(b) }, { id: idOf(a) }]);
    assert.deepEqual(at(compared, 'config'), [{ path: 'config.synthesis.steps', values: ['7', '200'], differs: true }]);
    assert.ok(listAt(compared, 'everything').length > 20);
    assert.deepEqual(at(compared, 'metricNames'), ['loss']);
    assert.deepEqual(at(compared, 'metrics.steps'), [0, 2, 6]);
    assert.deepEqual(
      listAt(compared, 'metrics.runs').map((run) => at(run, 'values')),
      [
        [null, 5, 5],
        [1, 1, null],
      ],
    );
    assert.equal(at((await api.send(query, { ids: [idOf(a), 'nonsense'] })).data, 'compareRuns'), null);
  });

  it('differ in what they stand on, also where that has the same name', async () => {
    const { database } = api.world;
    const { id, name } = await database.dataset.findUniqueOrThrow({ where: { id: pool.datasetId } });
    const other = await seedDataset(database, api.project);
    await database.dataset.update({ where: { id: other.id }, data: { name } });
    const otherPool = await seedPool(database, other);
    await database.teacherPool.update({ where: { id: otherPool.id }, data: { name: pool.name } });
    assert.notEqual(other.id, id);
    const ids = [idOf(await seedRun(database, pool)), idOf(await seedRun(database, otherPool))];
    const query = 'query ($ids: [ID!]!) { compareRuns(ids: $ids) { config(onlyDifferences: true) { path } } }';
    const paths = listAt((await api.send(query, { ids })).data, 'compareRuns.config').map((one) => at(one, 'path'));
    assert.deepEqual(paths, ['datasetDigest', 'teacherPoolId']);
  });
});

describe('what surrounds a run', () => {
  it('is the queue, the devices and the attempts of its tasks', async () => {
    const { database, queue } = api.world;
    await database.task.deleteMany();
    await database.worker.deleteMany();
    const run = await seedRun(database, pool, { synthesis: { imagesPerClass: 2, imagesPerClassPerTask: 1 } });
    await api.world.transact((work) => startRun(work, run.id));
    const worker = await newWorker({ database, queue });
    await database.worker.update({ where: { id: worker }, data: { state: 'BUSY', deviceMemoryBytes: 8_000_000_000n } });
    await newWorker({ database, queue }, new Date(0));
    await claimNext({ database, queue }, { runId: run.id }, worker);
    const { data, errors } = await api.send(`{ queue { queued running kinds { kind queued running waitingSince } }
      devices { hostname device memoryBytes workers busy } tasks(first: 9, filter: { states: [RUNNING] }) { nodes {
        attemptHistory { number outcome worker { id } } } } }`);
    assert.deepEqual(errors, []);
    const kinds = listAt(data, 'queue.kinds');
    const total = (key: string) => kinds.reduce<number>((sum, kind) => sum + Number(at(kind, key)), 0);
    assert.deepEqual([at(data, 'queue.running'), at(data, 'queue.queued')], [total('running'), total('queued')]);
    assert.equal(at(data, 'queue.running'), 1);
    assert.deepEqual(at(data, 'devices'), [
      { hostname: 'test', device: 'hands', memoryBytes: '8000000000', workers: 1, busy: 1 },
    ]);
    assert.deepEqual(at(data, 'tasks.nodes.0.attemptHistory'), [
      { number: 1, outcome: null, worker: { id: toGlobalId('Worker', worker) } },
    ]);
  });

  it('is the lineage of its set, its best evaluation, and the growth of its teachers', async () => {
    const { database, queue } = api.world;
    const mixed = await seedPool(database, await seedDataset(database, api.project), 3);
    const run = await seedRun(database, mixed, { teachers: { maxAccuracy: 60 }, synthesis: { imagesPerClass: 1 } });
    await api.world.transact((work) => startRun(work, run.id));
    await workOff({ database, queue }, { runId: run.id });
    const set = await database.distilledSet.findUniqueOrThrow({ where: { runId: run.id } });
    for (const [state, top1] of [
      ['SUCCEEDED', [60, 62]],
      ['SUCCEEDED', [70, 74]],
      ['RUNNING', [90]],
    ] as const) {
      const evaluation = await seedEvaluation(database, set);
      await database.evaluation.update({ where: { id: evaluation.id }, data: { state } });
      await database.evaluationResult.createMany({
        data: top1.map((top1Last, seed) => ({
          ...{ evaluationId: evaluation.id, subject: 'DISTILLED_SET' as const, labelKind: 'SOFT' as const, seed },
          ...{ top1Last, top1Best: top1Last, top5Last: 99, top5Best: 99, studentSteps: 1, seconds: 1 },
        })),
      });
    }
    const result = await read(
      run,
      `bestEvaluation { labelKind seeds top1Last { mean deviation } evaluation { distilledSet { id } } }
       distilledSet { lineage { dataset { id } teacherPool { id accuracyByEpoch { architecture { name }
         points { epoch accuracy } } } distillationRun { id } matchedTeachers { index } labelTeachers { index } } }`,
    );
    assert.deepEqual(at(result, 'bestEvaluation'), {
      ...{ labelKind: 'SOFT', seeds: 2, top1Last: { mean: 72, deviation: Math.sqrt(8) } },
      evaluation: { distilledSet: { id: toGlobalId('DistilledSet', set.id) } },
    });
    assert.deepEqual(at(result, 'distilledSet.lineage'), {
      dataset: { id: toGlobalId('Dataset', mixed.datasetId) },
      teacherPool: {
        id: toGlobalId('TeacherPool', mixed.id),
        accuracyByEpoch: [
          {
            architecture: { name: 'CONVNET' },
            points: [
              { epoch: 1, accuracy: 50 },
              { epoch: 2, accuracy: 60 },
              { epoch: 3, accuracy: 70 },
            ],
          },
        ],
      },
      distillationRun: { id: idOf(run) },
      matchedTeachers: [{ index: 0 }, { index: 1 }],
      labelTeachers: [{ index: 2 }],
    });
  });

  it('is a curve for each of the base runs of a pool, also of two of the same network', async () => {
    const { database } = api.world;
    const seeded = await seedPool(database, await seedDataset(database, api.project), 0);
    const config = { ...(seeded.config as object), batchSize: 16, otherBatchSizes: [32] };
    await database.teacherPool.update({ where: { id: seeded.id }, data: { config } });
    const rows = [1, 4, 1, 4].map((epoch, index) => {
      const { key, digest, bytes } = someObject();
      const architecture = { name: 'CONVNET', width: 16, depth: 3 };
      const stored = { checkpointKey: key, checkpointDigest: digest, checkpointBytes: bytes };
      return {
        poolId: seeded.id,
        index,
        kind: 'EARLY_EPOCH' as const,
        architecture,
        epoch,
        accuracy: 50 + index,
        ...stored,
      };
    });
    await database.teacher.createMany({ data: rows.reverse() });
    const query =
      'query ($id: ID!) { teacherPool(id: $id) { accuracyByEpoch { batchSize points { epoch accuracy } } } }';
    const { data } = await api.send(query, { id: toGlobalId('TeacherPool', seeded.id) });
    const points = (...accuracies: number[]) => accuracies.map((accuracy, i) => ({ epoch: [1, 4][i], accuracy }));
    assert.deepEqual(at(data, 'teacherPool.accuracyByEpoch'), [
      { batchSize: 16, points: points(50, 51) },
      { batchSize: 32, points: points(52, 53) },
    ]);
  });

  it('is the audit trail, by who, what and of which', async () => {
    const run = await seedRun(api.world.database, pool);
    await mutate('distillationRunUpdate', { id: idOf(run), expectedVersion: 1, changes: { labels: ['seen'] } });
    await mutate('distillationRunCancel', { id: idOf(run) });
    const actions = async (filter: string) => {
      const { data, errors } = await api.send(
        `query ($id: ID!) { auditEvents(first: 9, filter: { subjectId: $id ${filter} }) {
          nodes { action actor subjectType subjectId details { path value } } } }`,
        { id: idOf(run) },
      );
      assert.deepEqual(errors, []);
      return listAt(data, 'auditEvents.nodes');
    };
    const actor = `key:${api.keys.ADMIN.split('_')[1]}`;
    assert.deepEqual(await actions(`actor: "${actor}"`), [
      { action: 'distillationRunCancel', actor, subjectType: 'DistillationRun', subjectId: idOf(run), details: [] },
      {
        ...{ action: 'distillationRunUpdate', actor, subjectType: 'DistillationRun', subjectId: idOf(run) },
        details: [{ path: 'labels', value: 'seen' }],
      },
    ]);
    assert.equal((await actions('action: "distillationRunUpdate"')).length, 1);
    assert.equal((await actions('createdBefore: "2020-01-01T00:00:00Z"')).length, 0);
  });
});
