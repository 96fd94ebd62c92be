import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { toGlobalId } from '../../src/modules/kit/node.js';
import { seedDataset, seedPool } from '../support/seeds.js';
import { at, create, errorsOf, openApi, type TestApi } from './server.js';

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

  it('of 0 leave teachers of a family out: they have neither statistics nor a turn', async () => {
    const { database } = api.world;
    const pool = await seedPool(database, await seedDataset(database, api.project), 3);
    const second = { poolId_index: { poolId: pool.id, index: 1 } };
    await database.teacher.update({ where: second, data: { architecture: { name: 'RESNET18' } } });
    const start = (synthesis: Record<string, unknown>) =>
      create(api, 'distillationRunStart', {
        name: 'without one family',
        datasetId: toGlobalId('Dataset', pool.datasetId),
        teacherPoolId: toGlobalId('TeacherPool', pool.id),
        config: { synthesis: { imagesPerClass: 2, ...synthesis } },
      });
    const architectureWeights = [{ name: 'RESNET18', weight: 0 }];
    assert.deepEqual(errorsOf(await start({ architectureWeights, teachersPerStep: 3 })), [
      ['INVALID_INPUT', 'config.synthesis.teachersPerStep'],
    ]);
    assert.deepEqual(errorsOf(await start({ architectureWeights, teachersPerStep: 2 })), []);
    const run = await database.distillationRun.findFirstOrThrow({ where: { poolId: pool.id } });
    const tasks = await database.task.findMany({ where: { runId: run.id, kind: 'STATISTICS' } });
    assert.deepEqual(tasks.map(({ payload }) => Number(at(payload, 'teacher.index'))).sort(), [0, 2]);
  });
});
