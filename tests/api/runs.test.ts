import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { newFailure } from '../../src/domain/errors.js';
import { readGlobalId, toGlobalId } from '../../src/modules/kit/node.js';
import type { DistillationRun, TeacherPool } from '../../src/platform/database/generated/client.js';
import { failAttempt, recordCheckpoint, reportProgress, startRun } from '../../src/platform/orchestration/index.js';
import { claimNext, complete, workOff } from '../support/by-hand.js';
import { seedDataset, seedPool, seedRun } from '../support/seeds.js';
import { idOf, readRun } from './run.js';
import { at, errorsOf, listAt, openApi, type TestApi, textAt } from './server.js';

let api: TestApi;
let pool: TeacherPool;
before(async () => {
  api = await openApi();
  pool = await seedPool(api.world.database, await seedDataset(api.world.database, api.project));
});
after(() => api.close());

const uuidAt = (payload: unknown, path: string) => readGlobalId(textAt(payload, path))!.uuid;
const read = (run: DistillationRun, fields: string) => readRun(api, run, fields);
const mutate = (name: string, input: Record<string, unknown>, fields = 'distillationRun { id name labels version }') =>
  api.mutate(name, `${name[0]!.toUpperCase()}${name.slice(1)}Input`, fields, input);
const bulk = (name: string, input: Record<string, unknown>) =>
  api.mutate(
    name,
    name === 'distillationRunsLabel' ? 'DistillationRunsLabelInput' : 'DistillationRunsInput',
    'results { id distillationRun { state archivedAt labels version } userErrors { code field message } }',
    input,
  );
const names = async (args: string) => {
  const { data, errors } = await api.send(`{ distillationRuns(first: 100${args}) { nodes { name } } }`);
  assert.deepEqual(errors, []);
  return listAt(data, 'distillationRuns.nodes').map((node) => textAt(node, 'name'));
};

describe('a list of runs', () => {
  before(async () => {
    const { database } = api.world;
    const rows: Partial<DistillationRun>[] = [
      { name: 'a', state: 'SUCCEEDED', labels: ['x', 'y'], startedAt: new Date(1000), finishedAt: new Date(9000) },
      { name: 'b', state: 'FAILED', labels: ['x'], startedAt: new Date(3000), finishedAt: new Date(4000) },
      { name: 'c', state: 'SYNTHESIZING', startedAt: new Date(2000) },
      { name: 'd', labels: ['y'], archivedAt: new Date() },
    ];
    for (const [index, row] of rows.entries()) {
      const run = await seedRun(database, pool);
      const createdAt = new Date(Date.UTC(2026, 0, 1 + index));
      await database.distillationRun.update({ where: { id: run.id }, data: { ...row, config: {}, createdAt } });
    }
  });

  const filters: [string, string[]][] = [
    ['{}', ['c', 'b', 'a']],
    ['{ states: [FAILED] }', ['b']],
    ['{ states: [FAILED, SUCCEEDED], methods: [TEDDY] }', ['b', 'a']],
    ['{ labels: ["x"] }', ['b', 'a']],
    ['{ labels: ["x", "y"] }', ['a']],
    ['{ createdAfter: "2026-01-02T00:00:00Z" }', ['c', 'b']],
    ['{ createdBefore: "2026-01-02T00:00:00Z" }', ['a']],
    ['{ archived: true }', ['d']],
    ['{ archived: false, labels: ["y"] }', ['a']],
  ];
  for (const [filter, expected] of filters) {
    it(`has what meets ${filter}`, async () => {
      assert.deepEqual(await names(`, filter: ${filter}`), expected);
    });
  }

  it('has the runs of a dataset and of a pool', async () => {
    const [dataset, teacherPool] = [toGlobalId('Dataset', pool.datasetId), toGlobalId('TeacherPool', pool.id)];
    const mine = `, filter: { datasetId: "${dataset}", teacherPoolId: "${teacherPool}" }`;
    assert.deepEqual(await names(mine), ['c', 'b', 'a']);
    const other = await seedPool(api.world.database, await seedDataset(api.world.database, api.project));
    assert.deepEqual(await names(`, filter: { teacherPoolId: "${toGlobalId('TeacherPool', other.id)}" }`), []);
  });

  it('leaves archived ones out below a dataset and a pool as well, and says how many it has', async () => {
    const pages = 'distillationRuns(first: 100) { totalCount nodes { name } }';
    const query = `query ($pool: ID!) { teacherPool(id: $pool) { ${pages} dataset { ${pages} } } }`;
    const { data } = await api.send(query, { pool: toGlobalId('TeacherPool', pool.id) });
    for (const path of ['teacherPool', 'teacherPool.dataset']) {
      const listed = listAt(data, `${path}.distillationRuns.nodes`).map((node) => textAt(node, 'name'));
      assert.deepEqual([at(data, `${path}.distillationRuns.totalCount`), listed], [3, ['c', 'b', 'a']]);
    }
  });

  it('has the events of each, from where they are asked for', async () => {
    const [one, two] = [await seedRun(api.world.database, pool), await seedRun(api.world.database, pool)];
    for (const [run, count] of [
      [one, 3],
      [two, 1],
    ] as const) {
      await api.world.database.runEvent.createMany({
        data: Array.from({ length: count }, (_, index) => ({
          runId: run.id,
          sequence: index + 1,
          type: 'STATE_CHANGED',
          payload: { from: null, to: 'QUEUED', failure: null },
        })),
      });
    }
    const query = `query ($one: ID!, $two: ID!) {
      one: distillationRun(id: $one) { events(after: 1, first: 1) { sequence } all: events { sequence } }
      two: distillationRun(id: $two) { events(after: 1, first: 1) { sequence } all: events { sequence } } }`;
    const { data, errors } = await api.send(query, { one: idOf(one), two: idOf(two) });
    assert.deepEqual(errors, []);
    const sequences = (path: string) => listAt(data, path).map((event) => at(event, 'sequence'));
    assert.deepEqual(['one.events', 'one.all', 'two.events', 'two.all'].map(sequences), [[2], [1, 2, 3], [], [1]]);
    for (const first of [0, 101]) {
      const refused = await api.send(
        `query ($id: ID!) { distillationRun(id: $id) { events(first: ${first}) { sequence } } }`,
        { id: idOf(one) },
      );
      assert.deepEqual(
        refused.errors.map(({ extensions }) => extensions.code),
        ['BAD_USER_INPUT'],
      );
    }
    await api.world.database.distillationRun.deleteMany({ where: { id: { in: [one.id, two.id] } } });
  });

  it('is sorted by whatever is asked for, with what has no value last in ascending order', async () => {
    const by = (field: string, direction: string) => names(`, orderBy: { field: ${field}, direction: ${direction} }`);
    assert.deepEqual(await by('NAME', 'ASC'), ['a', 'b', 'c']);
    assert.deepEqual(await by('STARTED_AT', 'ASC'), ['a', 'c', 'b']);
    assert.deepEqual(await by('FINISHED_AT', 'ASC'), ['b', 'a', 'c']);
    assert.deepEqual(await by('FINISHED_AT', 'DESC'), ['c', 'a', 'b']);
  });
});

describe('a run', () => {
  it('is renamed, labelled and noted upon one version, and keeps what is not mentioned', async () => {
    const run = await seedRun(api.world.database, pool);
    const first = await mutate('distillationRunUpdate', {
      id: idOf(run),
      expectedVersion: 1,
      changes: { name: 'renamed', labels: ['b', ' a ', 'b'], notes: 'why' },
    });
    assert.deepEqual(at(first, 'distillationRun'), { id: idOf(run), name: 'renamed', labels: ['a', 'b'], version: 2 });
    await mutate('distillationRunUpdate', { id: idOf(run), expectedVersion: 2, changes: { notes: '' } });
    assert.deepEqual(await read(run, 'name labels notes version'), {
      name: 'renamed',
      labels: ['a', 'b'],
      notes: null,
      version: 3,
    });
  });

  it('is cloned with changes over all that it was started with', async () => {
    const { database } = api.world;
    const run = await seedRun(database, pool, { synthesis: { imagesPerClass: 2, steps: 7 }, labels: { topK: 1 } });
    const payload = await mutate('distillationRunClone', {
      id: idOf(run),
      idempotencyKey: randomUUID(),
      changes: { name: 'other', seed: 9, config: { synthesis: { steps: 8, init: null } } },
    });
    assert.deepEqual(errorsOf(payload), []);
    const clone = await database.distillationRun.findUniqueOrThrow({
      where: { id: uuidAt(payload, 'distillationRun.id') },
    });
    const { config: given, ...rest } = (await read(
      clone,
      'seed config { synthesis { imagesPerClass steps init } labels { topK } } origin { kind distillationRun { id } }',
    )) as Record<string, unknown>;
    assert.deepEqual(given, { synthesis: { imagesPerClass: 2, steps: 8, init: 'RANDOM_REAL' }, labels: { topK: 1 } });
    assert.deepEqual(rest, { seed: 9, origin: { kind: 'CLONE', distillationRun: { id: idOf(run) } } });
    assert.deepEqual(await read(run, 'derivedRuns(first: 9) { nodes { id } }'), {
      derivedRuns: { nodes: [{ id: idOf(clone) }] },
    });
    assert.equal(await database.task.count({ where: { runId: clone.id, state: 'QUEUED' } }), 2);
  });

  it('says that somebody cancelled it, who, and that it may be tried again', async () => {
    const run = await seedRun(api.world.database, pool);
    await mutate('distillationRunCancel', { id: idOf(run) });
    const actor = `key:${api.keys.ADMIN.split('_')[1]}`;
    assert.deepEqual(await read(run, 'state failure { kind code retryable message }'), {
      state: 'CANCELED',
      failure: { kind: 'USER', code: 'CANCELED', retryable: true, message: `Canceled by ${actor}.` },
    });
  });
});

describe('a run that failed', () => {
  const retry = (run: DistillationRun) =>
    mutate('distillationRunRetry', { id: idOf(run), idempotencyKey: randomUUID() }, 'distillationRun { id state }');

  /** Three tasks of synthesis: one done, one with a checkpoint that has failed for good, one not begun. */
  const failed = async (code: 'OBJECT_MISSING' | 'NUMERICS') => {
    const { database, queue } = api.world;
    const backend = { database, queue };
    const run = await seedRun(database, pool, { synthesis: { imagesPerClass: 3, imagesPerClassPerTask: 1 } });
    await api.world.transact((work) => startRun(work, run.id));
    while ((await database.task.count({ where: { runId: run.id, kind: 'STATISTICS', state: 'QUEUED' } })) > 0) {
      await complete(backend, await claimNext(backend, { runId: run.id }));
    }
    const points = (...steps: number[]) => steps.map((step) => ({ name: 'loss', step, value: 1 / step }));
    const first = await claimNext(backend, { runId: run.id });
    await reportProgress(backend, first, null, points(100, 200));
    await complete(backend, first);
    await database.task.updateMany({ where: { runId: run.id }, data: { maxAttempts: 1 } });
    const claim = await claimNext(backend, { runId: run.id });
    await reportProgress(backend, claim, { step: 60, totalSteps: 200, loss: 1 }, points(40, 50, 60));
    await recordCheckpoint(backend, claim, 'checkpoints/half', 50);
    const gone = newFailure(code, 'Gone.');
    if ((await failAttempt(backend, claim, gone)) === 'RETRY') {
      await failAttempt(backend, await claimNext(backend, { runId: run.id }), gone);
    }
    return run;
  };

  it('is retried by a new run that has its results and goes on from its checkpoints', async () => {
    const { database, queue } = api.world;
    const run = await failed('OBJECT_MISSING');
    const payload = await retry(run);
    assert.deepEqual([errorsOf(payload), at(payload, 'distillationRun.state')], [[], 'QUEUED']);
    const runId = uuidAt(payload, 'distillationRun.id');
    const tasks = await database.task.findMany({ where: { runId, kind: 'SYNTHESIS' }, orderBy: { index: 'asc' } });
    assert.deepEqual(
      tasks.map(({ state, checkpointKey, checkpointStep }) => [state, checkpointKey, checkpointStep]),
      [
        ['SUCCEEDED', null, 0],
        ['QUEUED', 'checkpoints/half', 50],
        ['QUEUED', null, 0],
      ],
    );
    assert.equal(await database.task.count({ where: { runId: run.id, checkpointKey: { not: null } } }), 0);
    const points = await database.metricPoint.findMany({ where: { runId }, orderBy: { step: 'asc' } });
    assert.deepEqual(
      points.map(({ taskId, name, step, value }) => [taskId, name, step, value]),
      [
        [tasks[1]?.id, 'loss', 40, 1 / 40],
        [tasks[1]?.id, 'loss', 50, 1 / 50],
        [tasks[0]?.id, 'loss', 100, 1 / 100],
        [tasks[0]?.id, 'loss', 200, 1 / 200],
      ],
      'what is done again is not taken over',
    );
    await workOff({ database, queue }, { runId });
    const { state } = await database.distillationRun.findUniqueOrThrow({ where: { id: runId } });
    assert.equal(state, 'SUCCEEDED');
    const events = await api.follow('subscription ($id: ID!) { runEvents(runId: $id) { sequence } }', {
      id: textAt(payload, 'distillationRun.id'),
    });
    assert.deepEqual(
      events.map((event) => at(event, 'data.runEvents.sequence')),
      events.map((_, index) => index + 1),
    );
  });

  it('keeps the slices of its synthesis, whatever this version would cut it into', async () => {
    const { database } = api.world;
    const run = await failed('OBJECT_MISSING');
    const slicesOf = async (runId: string) => {
      const where = { runId, kind: 'SYNTHESIS' as const };
      const rows = await database.task.findMany({ where, orderBy: { index: 'asc' }, select: { payload: true } });
      return rows.map(({ payload }) => [at(payload, 'taskIndex'), at(payload, 'classes'), at(payload, 'firstImage')]);
    };
    // As of a version that had put the classes of the tasks in another order.
    await database.$executeRaw`
      UPDATE "Task" SET payload = jsonb_set(payload, '{classes}', '[1, 0]')
      WHERE "runId" = ${run.id}::uuid AND kind = 'SYNTHESIS'`;
    const payload = await retry(run);
    assert.deepEqual(errorsOf(payload), []);
    const slices = await slicesOf(uuidAt(payload, 'distillationRun.id'));
    assert.equal(slices.length, 3);
    assert.deepEqual(slices, await slicesOf(run.id));
  });

  it('is not retried on a dataset that was archived, until that is restored', async () => {
    const { database } = api.world;
    const run = await failed('OBJECT_MISSING');
    const archive = (archivedAt: Date | null) =>
      database.dataset.update({ where: { id: run.datasetId }, data: { archivedAt } });
    await archive(new Date());
    assert.deepEqual(errorsOf(await retry(run)), [['INVALID_STATE', 'id']]);
    await archive(null);
    assert.deepEqual(errorsOf(await retry(run)), []);
  });

  it('is not retried where the same would fail again', async () => {
    assert.deepEqual(errorsOf(await retry(await failed('NUMERICS'))), [['INVALID_STATE', 'id']]);
  });
});

describe('several mutations of one operation', () => {
  it('answer each with what it left, though an earlier one has read the same', async () => {
    const run = await seedRun(api.world.database, pool);
    await api.world.transact((work) => startRun(work, run.id));
    const shown = 'distillationRun { state tasks(first: 10) { nodes { state } } }';
    const query = `mutation ($id: ID!, $version: Int!) {
      first: distillationRunUpdate(input: { id: $id, expectedVersion: $version, changes: { notes: "n" } }) { ${shown} }
      second: distillationRunCancel(input: { id: $id }) { ${shown} } }`;
    const { data, errors } = await api.send(query, { id: idOf(run), version: run.version });
    assert.deepEqual(errors, []);
    const tasks = (path: string) => [
      ...new Set(listAt(data, `${path}.distillationRun.tasks.nodes`).map((task) => at(task, 'state'))),
    ];
    assert.deepEqual(
      [at(data, 'second.distillationRun.state'), tasks('first'), tasks('second')],
      ['CANCELED', ['QUEUED'], ['CANCELED']],
    );
  });
});

describe('a bulk', () => {
  it('cancels, archives and labels one by one, and says of each what became of it', async () => {
    const { database } = api.world;
    const [one, two, done] = [
      await seedRun(database, pool),
      await seedRun(database, pool),
      await seedRun(database, pool),
    ];
    await database.distillationRun.update({ where: { id: done.id }, data: { state: 'SUCCEEDED' } });
    const ids = [idOf(one), 'nonsense', idOf(done), idOf(two), idOf(one)];
    const states = (payload: unknown) =>
      listAt(payload, 'results').map((result) => at(result, 'distillationRun.state') ?? errorsOf(result)[0]);
    assert.deepEqual(states(await bulk('distillationRunsCancel', { ids })), [
      'CANCELED',
      ['NOT_FOUND', 'ids.1'],
      ['INVALID_STATE', 'ids.2'],
      'CANCELED',
      'CANCELED',
    ]);
    assert.equal(await database.auditEvent.count({ where: { subjectId: one.id, action: 'distillationRunCancel' } }), 1);

    const live = await seedRun(database, pool);
    const archived = await bulk('distillationRunsArchive', { ids: [idOf(one), idOf(live)] });
    assert.ok(at(archived, 'results.0.distillationRun.archivedAt'));
    assert.deepEqual(errorsOf(at(archived, 'results.1')), [['INVALID_STATE', 'ids.1']]);
    assert.ok(!(await names('')).includes(one.name));
    await bulk('distillationRunsUnarchive', { ids: [idOf(one)] });
    assert.ok((await names('')).includes(one.name));

    await bulk('distillationRunsLabel', { ids: [idOf(one)], add: ['keep', 'old'] });
    const labelled = await bulk('distillationRunsLabel', {
      ids: [idOf(one), idOf(two)],
      add: ['new'],
      remove: ['old'],
    });
    assert.deepEqual(
      listAt(labelled, 'results').map((result) => at(result, 'distillationRun.labels')),
      [['keep', 'new'], ['new']],
    );
  });
});
