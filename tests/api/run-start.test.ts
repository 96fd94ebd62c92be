import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId } from '../../src/domain/ids.js';
import { toGlobalId } from '../../src/modules/kit/node.js';
import type { Dataset } from '../../src/platform/database/generated/client.js';
import { seedDataset, seedPool } from '../support/seeds.js';
import { at, create, errorsOf, listAt, openApi, type TestApi, textAt } from './server.js';

let api: TestApi;

before(async () => {
  api = await openApi();
});
after(() => api.close());

describe('distillationRunStart', () => {
  const small = { synthesis: { imagesPerClass: 2, formation: 2 } };
  const input = async (config: Record<string, unknown> = small, given?: Dataset) => {
    const dataset = given ?? (await seedDataset(api.world.database, api.project));
    const pool = await seedPool(api.world.database, dataset);
    return {
      name: 'run',
      datasetId: toGlobalId('Dataset', dataset.id),
      teacherPoolId: toGlobalId('TeacherPool', pool.id),
      config,
    };
  };

  it('plans the run and writes its first event', async () => {
    const payload = await create(api, 'distillationRunStart', await input());
    assert.deepEqual([errorsOf(payload), at(payload, 'distillationRun.state')], [[], 'QUEUED']);
    const query = `query ($id: ID!) { distillationRun(id: $id) {
      config { synthesis { imagesPerClass formation } } progress { fraction } tasks(first: 10) { totalCount nodes { kind state } }
      events { type sequence ... on RunStateChanged { from to } } distilledSet { id } dataset { name } teacherPool { teachers(last: 1) { nodes { index } } } } }`;
    const { data, errors } = await api.send(query, { id: textAt(payload, 'distillationRun.id') });
    assert.deepEqual(errors, []);
    const run = at(data, 'distillationRun');
    assert.deepEqual(at(run, 'config.synthesis'), { imagesPerClass: 2, formation: 2 });
    assert.deepEqual(listAt(run, 'events'), [{ type: 'STATE_CHANGED', sequence: 1, from: null, to: 'QUEUED' }]);
    assert.deepEqual(at(run, 'tasks.nodes.0'), { kind: 'STATISTICS', state: 'QUEUED' });
    assert.equal(at(run, 'distilledSet'), null);
  });

  it('refuses what the dataset and the pool cannot give', async () => {
    const refused = async (config: Record<string, unknown>) =>
      errorsOf(await create(api, 'distillationRunStart', await input(config)));
    assert.deepEqual(await refused({ synthesis: { imagesPerClass: 11 } }), [
      ['TOO_FEW_IMAGES', 'config.synthesis.imagesPerClass'],
    ]);
    const many = await seedDataset(api.world.database, api.project);
    const classNames = Array.from({ length: 1001 }, (_, i) => `${i}`);
    const data = { classNames, trainPerClass: classNames.map(() => 10) };
    await api.world.database.dataset.update({ where: { id: many.id }, data });
    const single = { synthesis: { imagesPerClass: 10, imagesPerClassPerTask: 1, classesPerTask: 1 } };
    const tooMany = await create(api, 'distillationRunStart', await input(single, { ...many, ...data }));
    assert.deepEqual(errorsOf(tooMany), [['INVALID_INPUT', 'config.synthesis.imagesPerClassPerTask']]);
    assert.match(textAt(tooMany, 'userErrors.0.message'), /would have 10010 tasks/);
    assert.deepEqual(await refused({ synthesis: { imagesPerClass: 2, formation: 4 } }), [
      ['INVALID_INPUT', 'config.synthesis.formation'],
    ]);
    assert.deepEqual(await refused({ synthesis: { imagesPerClass: 2, teachersPerStep: 3 } }), [
      ['INVALID_INPUT', 'config.synthesis.teachersPerStep'],
    ]);
    const rounds = { imagesPerClass: 10, imagesPerClassPerTask: 4, rounds: 3 };
    const inFew = await create(api, 'distillationRunStart', await input({ synthesis: rounds }));
    assert.deepEqual(errorsOf(inFew), [['INVALID_INPUT', 'config.synthesis.rounds']]);
    assert.match(textAt(inFew, 'userErrors.0.message'), /a task of this run has 2 images of a class/);
    const architectureWeights = [0.5, 2].map((weight) => ({ name: 'CONVNET', weight }));
    assert.deepEqual(await refused({ synthesis: { imagesPerClass: 2, architectureWeights } }), [
      ['INVALID_INPUT', 'config.synthesis.architectureWeights'],
    ]);
    assert.deepEqual(await refused({ ...small, labels: { ensembleSize: 3 } }), [
      ['INVALID_INPUT', 'config.labels.ensembleSize'],
    ]);
  });

  it('refuses label files beyond 2 GiB, and topK where 16 bits do not name a class, before hours of synthesis', async () => {
    const refused = async (classes: number, config: Record<string, unknown>) => {
      const dataset = await seedDataset(api.world.database, api.project);
      const data = {
        classNames: Array.from({ length: classes }, (_, c) => `class ${c}`),
        trainPerClass: Array<number>(classes).fill(10),
      };
      await api.world.database.dataset.update({ where: { id: dataset.id }, data });
      return errorsOf(await create(api, 'distillationRunStart', await input(config, dataset)));
    };
    const one = { imagesPerClass: 1 };
    assert.deepEqual(await refused(40_000, { synthesis: one, labels: { topK: 5 } }), [
      ['INVALID_INPUT', 'config.labels.topK'],
    ]);
    assert.deepEqual(await refused(40_000, { synthesis: one }), [['INVALID_INPUT', 'config.synthesis.imagesPerClass']]);
    const large = { fkdBatchSize: 4096 };
    assert.deepEqual(await refused(4000, { synthesis: one, labels: large }), [
      ['INVALID_INPUT', 'config.labels.fkdBatchSize'],
    ]);
    assert.deepEqual(await refused(4000, { synthesis: one, labels: { ...large, fkdSteps: 20 } }), []);
  });

  it('refuses tasks whose checkpoints would have 2 GiB', async () => {
    const dataset = await seedDataset(api.world.database, api.project);
    const classNames = Array.from({ length: 60 }, (_, c) => `class ${c}`);
    const large = { imageHeight: 1024, imageWidth: 1024, imageChannels: 3 };
    const data = { classNames, trainPerClass: classNames.map(() => 10), ...large };
    await api.world.database.dataset.update({ where: { id: dataset.id }, data });
    const start = async (classesPerTask: number) => {
      const synthesis = { imagesPerClass: 1, imagesPerClassPerTask: 1, classesPerTask };
      return create(api, 'distillationRunStart', await input({ synthesis }, dataset));
    };
    const refused = await start(60);
    assert.deepEqual(errorsOf(refused), [['INVALID_INPUT', 'config.synthesis.imagesPerClassPerTask']]);
    assert.match(textAt(refused, 'userErrors.0.message'), /a task of 60 images would have 2\.1 GiB/);
    assert.deepEqual(errorsOf(await start(50)), []);
  });

  it('matches the teachers that are asked for, and refuses a choice that leaves none', async () => {
    const start = async (teachers: Record<string, unknown>) =>
      create(api, 'distillationRunStart', await input({ ...small, teachers }));
    const one = await start({ kinds: ['EARLY_EPOCH'], minAccuracy: 55 });
    const query = 'query ($id: ID!) { distillationRun(id: $id) { tasks(first: 10) { nodes { kind index } } } }';
    const { data } = await api.send(query, { id: textAt(one, 'distillationRun.id') });
    assert.deepEqual(listAt(data, 'distillationRun.tasks.nodes'), [{ kind: 'STATISTICS', index: 1 }]);

    for (const none of [{ kinds: ['PRUNED', 'IMPORTED'] }, { maxAccuracy: 49 }, { minAccuracy: 80, maxAccuracy: 20 }]) {
      assert.deepEqual(errorsOf(await start(none)), [['INVALID_INPUT', 'config.teachers']]);
    }
    const [error] = listAt(await start({ kinds: ['PRUNED'], minAccuracy: 20 }), 'userErrors');
    assert.equal(
      textAt(error, 'message'),
      'config.teachers: none of the 2 teachers of the pool is PRUNED with an accuracy of 20 to 100 %; widen the selection.',
    );
    const untrained = await input({ ...small, teachers: { kinds: ['RANDOM_INIT'] } });
    await api.world.database.teacher.updateMany({
      where: { accuracy: 50, pool: { runs: { none: {} } } },
      data: { kind: 'RANDOM_INIT' },
    });
    const crops = { ...untrained.config, synthesis: { ...small.synthesis, init: 'REAL_CROPS' } };
    assert.deepEqual(errorsOf(await create(api, 'distillationRunStart', { ...untrained, config: crops })), [
      ['INVALID_INPUT', 'config.synthesis.init'],
    ]);
    assert.deepEqual(errorsOf(await create(api, 'distillationRunStart', untrained)), []);
    assert.deepEqual(errorsOf(await start({ kinds: [] })), [['INVALID_INPUT', 'config.teachers.kinds']]);
  });

  it('refuses a formation that does not divide the sides', async () => {
    const good = await input();
    const { database } = api.world;
    await database.dataset.updateMany({ where: { tasks: { none: {} } }, data: { imageHeight: 9 } });
    assert.deepEqual(errorsOf(await create(api, 'distillationRunStart', good)), [
      ['UNSUPPORTED_SHAPE', 'config.synthesis.formation'],
    ]);
    await database.dataset.updateMany({ data: { imageHeight: 8 } });
  });

  it('refuses labels that would leave samples of the set out, and says how many steps show them all', async () => {
    const of = async (labels: object) => create(api, 'distillationRunStart', await input({ ...small, labels }));
    for (const [labels, steps] of [
      [{ fkdSteps: 2, fkdBatchSize: 7 }, 3],
      [{ fkdSteps: 20, fkdBatchSize: 7, keptShare: 0.1 }, 23],
    ] as const) {
      const refused = await of(labels);
      assert.deepEqual(errorsOf(refused), [['INVALID_INPUT', 'config.labels.fkdSteps']]);
      const [error] = listAt(refused, 'userErrors');
      assert.match(
        textAt(error, 'message'),
        new RegExp(`of the 16 samples of the set: take ${steps} fkdSteps or more`),
      );
      assert.deepEqual(errorsOf(await of({ ...labels, fkdSteps: steps })), []);
    }
  });

  it('refuses a pool that is not READY, is unknown, or is of another dataset', async () => {
    const good = await input();
    const other = await input();
    const pool = { ...good, teacherPoolId: other.teacherPoolId };
    assert.deepEqual(errorsOf(await create(api, 'distillationRunStart', pool)), [['INVALID_INPUT', 'teacherPoolId']]);
    const unknown = { ...good, teacherPoolId: toGlobalId('TeacherPool', newId()) };
    assert.deepEqual(errorsOf(await create(api, 'distillationRunStart', unknown)), [['NOT_FOUND', 'teacherPoolId']]);
    await api.world.database.teacherPool.updateMany({ where: { state: 'READY' }, data: { state: 'TRAINING' } });
    assert.deepEqual(errorsOf(await create(api, 'distillationRunStart', good)), [['INVALID_STATE', 'teacherPoolId']]);
    await api.world.database.teacherPool.updateMany({ data: { state: 'READY' } });
  });

  it('makes one run of ten parallel starts with one key, and refuses other content under it', async () => {
    const same = { ...(await input()), idempotencyKey: 'parallel' };
    const payloads = await Promise.all(Array.from({ length: 10 }, () => create(api, 'distillationRunStart', same)));
    const ids = new Set(payloads.map((payload) => textAt(payload, 'distillationRun.id')));
    assert.equal(ids.size, 1);
    const conflict = await create(api, 'distillationRunStart', { ...same, seed: 5 });
    assert.deepEqual(errorsOf(conflict), [['IDEMPOTENCY_CONFLICT', 'idempotencyKey']]);
    // A key that failed is free again: nothing was registered under it.
    const failed = { ...same, idempotencyKey: 'again', teacherPoolId: 'nonsense' };
    assert.deepEqual(errorsOf(await create(api, 'distillationRunStart', failed)), [['NOT_FOUND', 'teacherPoolId']]);
    assert.deepEqual(errorsOf(await create(api, 'distillationRunStart', { ...same, idempotencyKey: 'again' })), []);
  });
});

describe('the start of a run with thousands of tasks', () => {
  let slow: TestApi;
  before(async () => {
    slow = await openApi({ TEDDYHUB_REQUEST_SECONDS: '9' });
  });
  after(() => slow.close());

  it('may take longer than a request, and than a transaction otherwise', async () => {
    const { database } = slow.world;
    const dataset = await seedDataset(database, slow.project);
    const pool = await seedPool(database, dataset);
    await database.$executeRawUnsafe(`CREATE FUNCTION "takeTime"() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN PERFORM pg_sleep(8); RETURN NULL; END $$`);
    for (const table of ['DistillationRun', 'Task']) {
      await database.$executeRawUnsafe(`CREATE TRIGGER "takeTime" BEFORE INSERT ON "${table}"
        FOR EACH STATEMENT EXECUTE FUNCTION "takeTime"()`);
    }
    const payload = await create(slow, 'distillationRunStart', {
      name: 'large',
      datasetId: toGlobalId('Dataset', dataset.id),
      teacherPoolId: toGlobalId('TeacherPool', pool.id),
      config: { synthesis: { imagesPerClass: 1 } },
    });
    assert.deepEqual([errorsOf(payload), at(payload, 'distillationRun.state')], [[], 'QUEUED']);
  });
});
