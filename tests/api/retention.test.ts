import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { toGlobalId } from '../../src/modules/kit/node.js';
import { blocked, whileLocked } from '../support/locks.js';
import { type SeededSet, seedPublishedSet } from '../support/published-set.js';
import { seedDataset, seedPool } from '../support/seeds.js';
import { until } from '../support/until.js';
import { at, create, openApi, type TestApi } from './server.js';

const WEEK_MS = 7 * 86_400_000;

describe('retention', () => {
  let api: TestApi;
  let set: SeededSet;
  const change = (name: string, fields: string, id: string) =>
    api.mutate(name, 'RetentionInput', `${fields} { archivedAt deleteAfter }`, { id });
  const onSet = (name: string) => change(`distilledSet${name}`, 'distilledSet', set.globalId);
  const errorsOf = (payload: unknown) =>
    (at(payload, 'userErrors') as { code: string; message: string }[]).map(
      ({ code, message }) => `${code}: ${message}`,
    );
  const fetchManifest = async () => {
    const headers = { authorization: `Bearer ${api.keys.VIEWER}` };
    return (await fetch(`${api.url}/v1/distilled-sets/${set.id}/manifest.json`, { headers })).status;
  };

  before(async () => {
    api = await openApi();
    set = await seedPublishedSet(api.world, api.project);
  });
  after(() => api?.close());

  it('takes a set out of sight by archive, then deletion, and gives it back', async () => {
    assert.match(errorsOf(await onSet('Delete'))[0] ?? '', /^INVALID_STATE: .*not archived: archive it first/);
    await api.mutate('distilledSetsArchive', 'DistilledSetsArchiveInput', 'results { id }', { ids: [set.globalId] });
    assert.equal(await fetchManifest(), 200);
    const deleteAfter = Date.parse(String(at(await onSet('Delete'), 'distilledSet.deleteAfter')));
    assert.ok(Math.abs(deleteAfter - Date.now() - WEEK_MS) < 60_000);
    assert.equal(await fetchManifest(), 404);
    const token = await api.mutate('distilledSetTokenCreate', 'DistilledSetTokenCreateInput', 'secret', {
      distilledSetId: set.globalId,
      name: 'for nothing',
      seconds: 60,
      idempotencyKey: 'for nothing',
    });
    assert.match(errorsOf(token)[0] ?? '', /^INVALID_STATE: .*is deleted and not served: restore it first/);
    const again = Date.parse(String(at(await onSet('Delete'), 'distilledSet.deleteAfter')));
    assert.equal(again, deleteAfter, 'a second deletion changes nothing');
    const restored = at(await onSet('Restore'), 'distilledSet');
    assert.deepEqual(restored, { archivedAt: null, deleteAfter: null });
    assert.equal(await fetchManifest(), 200);
    const row = await api.world.database.distilledSet.findUniqueOrThrow({ where: { id: set.id } });
    assert.equal(row.state, 'PUBLISHED');
    const actions = await api.world.database.auditEvent.findMany({
      where: { subjectId: set.id },
      orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
      select: { action: true },
    });
    assert.deepEqual(
      actions.map(({ action }) => action),
      ['distilledSetArchive', 'distilledSetDelete', 'distilledSetRestore'],
    );
  });

  it('keeps a dataset that is used, and starts nothing on one that is archived', async () => {
    const used = await seedDataset(api.world.database, api.project);
    await seedPool(api.world.database, used);
    const unused = await seedDataset(api.world.database, api.project);
    const onDataset = (name: string, id: string) => change(`dataset${name}`, 'dataset', toGlobalId('Dataset', id));
    assert.match(errorsOf(await onDataset('Delete', unused.id))[0] ?? '', /not archived/);
    for (const { id } of [used, unused]) assert.ok(at(await onDataset('Archive', id), 'dataset.archivedAt'));
    assert.match(
      errorsOf(await onDataset('Delete', used.id))[0] ?? '',
      /used by 1 teacher pools and 0 runs, archived ones included: delete these first/,
    );
    assert.ok(at(await onDataset('Delete', unused.id), 'dataset.deleteAfter'));
    const train = await api.mutate('teacherPoolTrain', 'TeacherPoolTrainInput', 'teacherPool { id }', {
      datasetId: toGlobalId('Dataset', used.id),
      name: 'late',
      idempotencyKey: 'late',
    });
    assert.match(errorsOf(train)[0] ?? '', /^INVALID_STATE: .*is archived: restore it/);
    assert.deepEqual(at(await onDataset('Restore', unused.id), 'dataset'), { archivedAt: null, deleteAfter: null });
  });

  it('says what the objects of the project take, each once', async () => {
    const ask = async () => {
      const { data, errors } = await api.send('{ storage { kind objects bytes } }', {}, api.keys.VIEWER);
      assert.deepEqual(errors, []);
      return Object.fromEntries(
        (at(data, 'storage') as { kind: string; objects: number; bytes: unknown }[]).map((use) => [use.kind, use]),
      );
    };
    const use = await ask();
    assert.deepEqual([use.DISTILLED_SETS?.objects, Number(use.DISTILLED_SETS?.bytes)], [2, 50_240]);
    assert.deepEqual([use.LABELS?.objects, Number(use.LABELS?.bytes)], [2, 3_500]);
    const [shard] = await api.world.database.distilledShard.findMany({ where: { distilledSetId: set.id } });
    const { id: _id, ...same } = shard!;
    await api.world.database.distilledShard.create({ data: { ...same, index: 9, name: 'the-same-object' } });
    assert.deepEqual((await ask()).DISTILLED_SETS, use.DISTILLED_SETS);
  });

  it('makes no evaluation and no token of a set that is being archived and deleted at that moment', async () => {
    const { database, databaseUrl } = api.world;
    const { id, globalId: distilledSetId } = await seedPublishedSet(api.world, api.project);
    const deletion = `SELECT FROM "DistilledSet" WHERE id = '${id}' FOR UPDATE;
      UPDATE "DistilledSet" SET state = 'ARCHIVED', "archivedAt" = now(), "deleteAfter" = now() WHERE id = '${id}'`;
    const { both } = await whileLocked(databaseUrl, deletion, async () => {
      const both = Promise.all([
        create(api, 'evaluationStart', { distilledSetId, config: { labelKinds: ['HARD'] } }),
        api.mutate('distilledSetTokenCreate', 'DistilledSetTokenCreateInput', 'secret', {
          ...{ distilledSetId, name: 'late', idempotencyKey: 'late token' },
        }),
      ]);
      await until('both wait', async () => (await blocked(database)) >= 2);
      return { both };
    });
    const [evaluation, token] = await both;
    assert.match(errorsOf(evaluation).join(), /^INVALID_STATE: .*is ARCHIVED: evaluate another one/);
    assert.match(errorsOf(token).join(), /^INVALID_STATE: .*is deleted and not served: restore it first/);
  });

  describe('of what stands on each other', () => {
    const ids = { set: '', run: '', pool: '', dataset: '' };
    const onOne = (mutation: string, field: string, id: string) =>
      api.mutate(mutation, 'RetentionInput', `${field} { deleteAfter }`, { id });
    const onRuns = async (mutation: string) => {
      const fields = 'results { distillationRun { archivedAt deleteAfter } userErrors { code message } }';
      const payload = await api.mutate(mutation, 'DistillationRunsInput', fields, { ids: [ids.run] });
      return at(payload, 'results.0');
    };
    const pending = async () => {
      const query = `query ($ids: [ID!]!) { nodes(ids: $ids) {
        ... on DistilledSet { deleteAfter } ... on DistillationRun { deleteAfter }
        ... on TeacherPool { deleteAfter } ... on Dataset { deleteAfter } } }`;
      const { data } = await api.send(query, { ids: [ids.set, ids.run, ids.pool, ids.dataset] });
      return (at(data, 'nodes') as { deleteAfter: string | null }[]).map(({ deleteAfter }) => deleteAfter !== null);
    };
    const deleteAll = async () => {
      await api.mutate('distilledSetsArchive', 'DistilledSetsArchiveInput', 'results { id }', { ids: [ids.set] });
      await onRuns('distillationRunsArchive');
      await onOne('datasetArchive', 'dataset', ids.dataset);
      await onOne('distilledSetDelete', 'distilledSet', ids.set);
      assert.ok(at(await onRuns('distillationRunsDelete'), 'distillationRun.deleteAfter'));
      await onOne('teacherPoolDelete', 'teacherPool', ids.pool);
      await onOne('datasetDelete', 'dataset', ids.dataset);
      assert.deepEqual(await pending(), [true, true, true, true]);
    };

    before(async () => {
      const mine = await seedPublishedSet(api.world, api.project);
      const { run } = await api.world.database.distilledSet.findUniqueOrThrow({
        where: { id: mine.id },
        include: { run: true },
      });
      await api.world.database.distillationRun.update({ where: { id: run.id }, data: { state: 'SUCCEEDED' } });
      ids.set = mine.globalId;
      ids.run = toGlobalId('DistillationRun', run.id);
      ids.pool = toGlobalId('TeacherPool', run.poolId);
      ids.dataset = toGlobalId('Dataset', run.datasetId);
    });

    it('deletes nothing under what is kept', async () => {
      await onRuns('distillationRunsArchive');
      await onOne('datasetArchive', 'dataset', ids.dataset);
      assert.match(errorsOf(await onRuns('distillationRunsDelete'))[0] ?? '', /made the distilled set .*: delete that/);
      assert.match(errorsOf(await onOne('teacherPoolDelete', 'teacherPool', ids.pool))[0] ?? '', /used by 1 runs/);
      assert.match(
        errorsOf(await onOne('datasetDelete', 'dataset', ids.dataset))[0] ?? '',
        /1 teacher pools and 1 runs/,
      );
      assert.deepEqual(await pending(), [false, false, false, false]);
    });

    it('starts nothing on a deleted pool', async () => {
      await deleteAll();
      await onOne('datasetRestore', 'dataset', ids.dataset);
      const started = await api.mutate('distillationRunStart', 'DistillationRunStartInput', 'distillationRun { id }', {
        ...{ name: 'late', datasetId: ids.dataset, teacherPoolId: ids.pool, idempotencyKey: 'late run' },
        config: { synthesis: { imagesPerClass: 1 } },
      });
      assert.match(errorsOf(started)[0] ?? '', /^INVALID_STATE: Teacher pool .* is deleted: restore it/);
    });

    it('restores with a set what it stands on, and with a run and a pool likewise', async () => {
      await deleteAll();
      await onOne('distilledSetRestore', 'distilledSet', ids.set);
      assert.deepEqual(await pending(), [false, false, false, false]);
      await deleteAll();
      await onRuns('distillationRunsUnarchive');
      assert.deepEqual(await pending(), [true, false, false, false]);
      await deleteAll();
      await onOne('teacherPoolRestore', 'teacherPool', ids.pool);
      assert.deepEqual(await pending(), [true, true, false, false]);
    });

    it('is recorded, each deletion and restoration once', async () => {
      const where = { action: { startsWith: 'teacherPool' } };
      const events = await api.world.database.auditEvent.findMany({ where, orderBy: [{ createdAt: 'asc' }] });
      assert.deepEqual(
        events.map(({ action }) => action),
        [1, 2, 3].flatMap(() => ['teacherPoolDelete', 'teacherPoolRestore']),
      );
    });
  });
});
