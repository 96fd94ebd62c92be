import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { newId } from '../../src/domain/ids.js';
import { encodeSafetensors } from '../../src/formats/safetensors.js';
import { encodeUploadId } from '../../src/modules/dataset/upload-id.js';
import { readGlobalId, toGlobalId } from '../../src/modules/kit/node.js';
import { digestOf } from '../../src/platform/object-store/object-store.js';
import { seedDataset } from '../support/seeds.js';
import { create, errorsOf, listAt, openApi, type TestApi, textAt } from './server.js';

let api: TestApi;
before(async () => {
  api = await openApi();
});
after(() => api.close());

describe('the imports of a pool', () => {
  const bytes = Buffer.from(encodeSafetensors({ weight: { dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) } }));
  const digest = digestOf(bytes);
  const train = async (one: Record<string, unknown>) => {
    const dataset = await seedDataset(api.world.database, api.project);
    const datasetId = toGlobalId('Dataset', dataset.id);
    return create(api, 'teacherPoolTrain', { name: 'x', datasetId, config: { imports: [one] } });
  };
  /** What the worker is told, and what the pool says of it. */
  const takenIn = async (payload: unknown) => {
    assert.deepEqual(errorsOf(payload), []);
    const id = textAt(payload, 'teacherPool.id');
    const task = await api.world.database.task.findFirstOrThrow({ where: { poolId: readGlobalId(id)?.uuid ?? '' } });
    const [object] = (task.payload as { imported: { key: string; digest: string }[] }).imported;
    assert.deepEqual(await api.world.store.get(object?.key ?? ''), bytes);
    const query =
      'query ($id: ID!) { teacherPool(id: $id) { config { imports { path uploadId digest architecture { name width depth } } } } }';
    return listAt((await api.send(query, { id })).data, 'teacherPool.config.imports');
  };

  it('come from a file that the service can read, and are in the object store from then on', async () => {
    const path = join(api.world.stateDir, 'teacher');
    await writeFile(path, bytes);
    const missing = await train({ path: join(api.world.stateDir, 'no such file') });
    assert.deepEqual(errorsOf(missing), [['BAD_INPUT_FILE', 'config.imports.0.path']]);
    assert.deepEqual(errorsOf(await train({ path, digest: digestOf(Buffer.from('another')) })), [
      ['BAD_INPUT_FILE', 'config.imports.0.digest'],
    ]);
    const architecture = { name: 'CONVNET', width: 8, depth: 3 };
    assert.deepEqual(await takenIn(await train({ path, digest, architecture: { width: 8 } })), [
      { path, uploadId: null, digest, architecture },
    ]);
  });

  it('come by upload, of the own project and once it is complete', async () => {
    const object = newId();
    const uploadId = encodeUploadId({ object, storeId: 'x', fileName: 'r18.safetensors', bytes: bytes.length });
    const refusals = [['BAD_INPUT_FILE', 'config.imports.0.uploadId']];
    assert.deepEqual(errorsOf(await train({ uploadId })), refusals);
    await api.world.store.put(`uploads/${newId()}/${object}`, bytes);
    assert.deepEqual(errorsOf(await train({ uploadId })), refusals);
    await api.world.store.put(`uploads/${api.project.id}/${object}`, bytes);
    const architecture = { name: 'CONVNET', width: 16, depth: 3 };
    const shown = await takenIn(await train({ uploadId }));
    assert.deepEqual(shown, [{ path: 'r18.safetensors', uploadId, digest, architecture }]);
    assert.deepEqual(await takenIn(await train(shown[0] as Record<string, unknown>)), shown);
  });

  it('are state dicts: no other file becomes an object that others could read', async () => {
    const path = join(api.world.stateDir, 'secrets');
    await writeFile(path, 'of the service alone');
    const refused = await train({ path });
    assert.deepEqual(errorsOf(refused), [['BAD_INPUT_FILE', 'config.imports.0']]);
    assert.match(textAt(refused, 'userErrors.0.message'), /secrets is no safetensors file/);
    assert.equal(
      await api.world.store.stat(`checkpoints/${digestOf(Buffer.from('of the service alone')).slice(7)}.safetensors`),
      null,
    );
  });

  it('say a place', async () => {
    assert.deepEqual(errorsOf(await train({})), [['INVALID_INPUT', 'config.imports.0']]);
    assert.deepEqual(errorsOf(await train({ uploadId: 'x' })), [['INVALID_INPUT', 'config.imports.0.uploadId']]);
  });
});
