import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { toGlobalId } from '../../src/modules/kit/node.js';
import { seedDataset, seedPool } from '../support/seeds.js';
import { create, errorsOf, openApi, type TestApi } from './server.js';

let api: TestApi;
before(async () => {
  api = await openApi();
});
after(() => api.close());

describe('the weights of a run', () => {
  it('may leave a term or a family out, and not all of them, nor name one that is not matched', async () => {
    const pool = await seedPool(api.world.database, await seedDataset(api.world.database, api.project));
    const start = (synthesis: Record<string, unknown>) =>
      create(api, 'distillationRunStart', {
        name: 'weighted',
        datasetId: toGlobalId('Dataset', pool.datasetId),
        teacherPoolId: toGlobalId('TeacherPool', pool.id),
        config: { synthesis: { imagesPerClass: 2, ...synthesis } },
      });
    const nothing = { crossEntropyWeight: 0, momentsWeight: 0, classMeanWeight: 0 };
    assert.deepEqual(errorsOf(await start(nothing)), [['INVALID_INPUT', 'config.synthesis.crossEntropyWeight']]);
    assert.deepEqual(errorsOf(await start({ ...nothing, classMeanWeight: 1 })), []);
    for (const weight of [
      { name: 'RESNET18', weight: 0.1 },
      { name: 'CONVNET', weight: 0 },
    ]) {
      const refused = await start({ architectureWeights: [weight] });
      assert.deepEqual(errorsOf(refused), [['INVALID_INPUT', 'config.synthesis.architectureWeights']]);
    }
    assert.deepEqual(errorsOf(await start({ architectureWeights: [{ name: 'CONVNET', weight: 2 }] })), []);
  });
});
