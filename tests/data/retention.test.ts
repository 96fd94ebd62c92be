import 'reflect-metadata';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { DistillationRun, Project } from '../../src/platform/database/generated/client.js';
import type { ObjectStore } from '../../src/platform/object-store/object-store.js';
import { putByDigest } from '../../src/platform/object-store/object-store.js';
import { openObjectStore } from '../../src/platform/object-store/open-object-store.js';
import { toJson } from '../../src/platform/orchestration/work.js';
import { type CollectOptions, collectGarbage } from '../../src/platform/retention/collect.js';
import { keysInCheckpoints } from '../../src/platform/retention/references.js';
import { publish } from '../../workers/jobs/publishing.js';
import { makeInputs, type Payload, payloadOf } from '../support/publish-inputs.js';
import { seedPublishedSet } from '../support/published-set.js';
import { recordedContext } from '../support/recorded-context.js';
import { seedDataset, seedPool, seedProject, seedRun } from '../support/seeds.js';
import { keysOf } from '../support/store-keys.js';
import { createWorld, type World } from '../support/world.js';

const CHILD = fileURLToPath(new URL('../support/crash.child.js', import.meta.url));
const HOUR = 3_600_000;
const later = (hours: number) => new Date(Date.now() + hours * HOUR);

async function uploadsOf(store: ObjectStore): Promise<number> {
  let uploads = 0;
  for await (const _ of store.uploads.list()) uploads += 1;
  return uploads;
}

describe('garbage collection', () => {
  let world: World;
  let project: Project;
  let folders = 0;
  let folder: string;
  let store: ObjectStore;
  /** As if run two days from now, with a grace period of one. */
  const collect = (options: Partial<CollectOptions> = {}) =>
    collectGarbage({ database: world.database, store, graceMs: 24 * HOUR, dryRun: false, now: later(48), ...options });

  before(async () => {
    world = await createWorld();
  });
  after(() => world?.close());
  beforeEach(async () => {
    await world.database.project.deleteMany();
    await world.database.teacherStatistics.deleteMany();
    project = await seedProject(world.database);
    folder = join(world.stateDir, `objects-${++folders}`);
    store = await openObjectStore({ kind: 'folder', path: folder });
  });

  it('removes what no row names once its grace is over, and says first what it would remove', async () => {
    const set = await seedPublishedSet({ database: world.database, store }, project);
    const named = await keysOf(store);
    const { key } = await putByDigest(store, 'labels', Buffer.alloc(1_000, 'nobody'), '.safetensors');
    const young = await collect({ now: new Date() });
    assert.deepEqual([young.objects, young.kept], [0, { objects: 1, bytes: 1_000 }]);
    const dry = await collect({ dryRun: true });
    assert.deepEqual([dry.objects, dry.bytes, dry.byKind], [1, 1_000, { labels: { objects: 1, bytes: 1_000 } }]);
    assert.ok((await keysOf(store)).includes(key));
    const removed: string[] = [];
    const done = await collect({ onRemoved: (object) => removed.push(object.key) });
    assert.deepEqual([done.objects, removed], [1, [key]]);
    assert.deepEqual(await keysOf(store), named);
    for (const { key: kept } of Object.values(set.files)) assert.notEqual(await store.stat(kept), null);
  });

  it('leaves alone what is not of this service, in a bucket that it shares', async () => {
    await store.put('somebody/elses.bin', Buffer.from('not ours'));
    assert.equal((await collect()).objects, 0);
    assert.deepEqual(await keysOf(store), ['somebody/elses.bin']);
  });

  it('keeps what payloads and results of tasks name, and uploads until their dataset is made', async () => {
    const refs = await Promise.all(
      ['payload', 'result', 'source'].map((text) => putByDigest(store, 'uploads', Buffer.from(text), '')),
    );
    const dataset = await seedDataset(world.database, project);
    const run = await seedRun(world.database, await seedPool(world.database, dataset));
    await world.database.task.create({
      data: {
        projectId: project.id,
        runId: run.id,
        kind: 'SYNTHESIS',
        state: 'SUCCEEDED',
        payload: { deep: [{ in: { a: refs[0]?.key ?? '' } }] },
        result: { images: { key: refs[1]?.key ?? '' } },
      },
    });
    await world.database.dataset.update({
      where: { id: dataset.id },
      data: { source: { upload: refs[2]?.key ?? '' }, state: 'IMPORTING' },
    });
    const { id } = await world.database.task.create({
      data: {
        ...{ projectId: project.id, datasetId: dataset.id, kind: 'DATASET_IMPORT', state: 'QUEUED' },
        payload: { source: { key: refs[2]?.key ?? '' } },
      },
    });
    assert.equal((await collect()).objects, 0);
    assert.equal((await keysOf(store)).length, 3);
    await world.database.task.update({ where: { id }, data: { state: 'FAILED' } });
    await world.database.dataset.update({ where: { id: dataset.id }, data: { state: 'FAILED' } });
    assert.equal((await collect()).objects, 0, 'it may be imported with other options');
    await world.database.task.update({ where: { id }, data: { state: 'SUCCEEDED' } });
    await world.database.dataset.update({ where: { id: dataset.id }, data: { state: 'READY' } });
    assert.equal((await collect()).objects, 1);
    assert.equal(await store.stat(refs[2]?.key ?? ''), null);
  });

  it('keeps the labels that a canceled task has made so far, for the run that goes on from its checkpoint', async () => {
    const made = await putByDigest(store, 'labels', Buffer.from('labels so far'), '.safetensors');
    const state = Buffer.from(JSON.stringify({ static: made, fkd: [] }));
    const checkpoint = await putByDigest(store, 'checkpoints/a-task', state, '');
    const run = await seedRun(
      world.database,
      await seedPool(world.database, await seedDataset(world.database, project)),
    );
    const task = { projectId: project.id, runId: run.id, kind: 'LABELING', state: 'CANCELED', payload: {} } as const;
    const { id } = await world.database.task.create({ data: { ...task, checkpointKey: checkpoint.key } });
    assert.equal((await collect()).objects, 0);
    assert.deepEqual(await keysOf(store), [checkpoint.key, made.key].sort());
    await store.delete(checkpoint.key);
    assert.equal((await collect()).objects, 1, 'a checkpoint that is gone names nothing');
    await world.database.task.delete({ where: { id } });
  });

  it('keeps the labels of a checkpoint that takes the place of another one while that is read', async () => {
    const { database } = world;
    const made = await putByDigest(store, 'labels', Buffer.from('labels of both'), '.safetensors');
    const stateOf = (fkd: unknown[]) => Buffer.from(JSON.stringify({ static: made, fkd }));
    const [old, next] = [await putByDigest(store, 'checkpoints/b-task', stateOf([]), ''), stateOf([made])];
    const run = await seedRun(database, await seedPool(database, await seedDataset(database, project)));
    const task = { projectId: project.id, runId: run.id, kind: 'LABELING', state: 'RUNNING', payload: {} } as const;
    const createdAt = new Date();
    const { id } = await database.task.create({ data: { ...task, checkpointKey: old.key, createdAt } });
    const moving: ObjectStore = {
      ...store,
      async get(key) {
        if (key === old.key) {
          const { key: checkpointKey } = await putByDigest(store, 'checkpoints/b-task', next, '');
          await database.task.update({ where: { id }, data: { checkpointKey } });
          await store.delete(old.key);
        }
        return store.get(key);
      },
    };
    const named = await keysInCheckpoints(database, moving);
    assert.deepEqual([...new Set(named)], [made.key]);
    await database.task.delete({ where: { id } });
  });

  it('goes on past a checkpoint that is damaged, which names nothing', async () => {
    const { database } = world;
    const checkpoint = await putByDigest(store, 'checkpoints/c-task', Buffer.from('{"key":"labels/none"}'), '');
    const run = await seedRun(database, await seedPool(database, await seedDataset(database, project)));
    const task = { projectId: project.id, runId: run.id, kind: 'LABELING', state: 'FAILED', payload: {} } as const;
    const { id } = await database.task.create({ data: { ...task, checkpointKey: checkpoint.key } });
    assert.deepEqual(await keysInCheckpoints(database, store), ['labels/none']);
    await store.put(checkpoint.key, Buffer.from('{"key":"labels/no'));
    assert.deepEqual(await keysInCheckpoints(database, store), []);
    await database.task.delete({ where: { id } });
  });

  it('keeps the labels of a task that ends between two looks at the rows', async () => {
    const made = await putByDigest(store, 'labels', Buffer.from('just made'), '.safetensors');
    const result = { static: made, fkd: [] };
    const { key } = await putByDigest(store, 'checkpoints/a-task', Buffer.from(JSON.stringify(result)), '');
    const { database } = world;
    const run = await seedRun(database, await seedPool(database, await seedDataset(database, project)));
    const task = { projectId: project.id, runId: run.id, kind: 'LABELING', state: 'CANCELED', payload: {} } as const;
    const { id } = await database.task.create({ data: { ...task, checkpointKey: key } });
    const ending = new Proxy(database, {
      get: (target, name, receiver) =>
        name === 'task'
          ? {
              ...target.task,
              findMany: async () => {
                await target.task.update({ where: { id }, data: { checkpointKey: null, result } });
                return [];
              },
              findFirst: target.task.findFirst.bind(target.task),
            }
          : Reflect.get(target, name, receiver),
    });
    await collect({ database: ending });
    assert.notEqual(await store.stat(made.key), null);
  });

  it('gives up uploads that nobody completed', async () => {
    const upload = { key: 'uploads/one', id: await store.uploads.begin('uploads/one') };
    await store.uploads.put(upload, 1, Buffer.from('part'));
    assert.equal((await collect({ now: new Date() })).uploads, 0);
    assert.equal((await collect({ dryRun: true })).uploads, 1);
    assert.equal(await uploadsOf(store), 1);
    assert.equal((await collect()).uploads, 1);
    assert.equal(await uploadsOf(store), 0);
  });

  it('leaves an upload alone of which parts arrive, however long ago it was begun', async () => {
    const upload = { key: 'uploads/large', id: await store.uploads.begin('uploads/large') };
    await store.uploads.put(upload, 1, Buffer.from('part'));
    const begunLongAgo: ObjectStore = {
      ...store,
      uploads: {
        ...store.uploads,
        async *list() {
          for await (const one of store.uploads.list()) yield { ...one, startedAt: later(-72) };
        },
        newestPart: async () => later(-1),
      },
    };
    assert.equal((await collect({ store: begunLongAgo, now: new Date() })).uploads, 0);
    assert.equal((await collect({ store: begunLongAgo })).uploads, 1);
  });

  it('keeps what was written up to an hour before a task that is under way was made: it may rely on that', async () => {
    const { key } = await putByDigest(store, 'checkpoints', Buffer.from('of a pool that was canceled'), '');
    const { id: datasetId } = await seedDataset(world.database, project);
    const task = await world.database.task.create({
      data: { projectId: project.id, kind: 'DATASET_IMPORT', datasetId, payload: {}, createdAt: later(0.9) },
    });
    assert.equal((await collect()).objects, 0);
    await world.database.task.update({ where: { id: task.id }, data: { createdAt: later(1.1) } });
    assert.equal((await collect()).objects, 1);
    assert.equal(await store.stat(key), null);
  });

  it('looks at the age again before it removes: what was written anew meanwhile stays', async () => {
    const { key } = await putByDigest(store, 'labels', Buffer.from('needed again'), '');
    const renewed: ObjectStore = {
      ...store,
      stat: async (one) => {
        const stat = await store.stat(one);
        return stat && { ...stat, modifiedAt: later(47) };
      },
    };
    const { objects, kept } = await collect({ store: renewed });
    assert.deepEqual([objects, kept.objects], [0, 1]);
    assert.notEqual(await store.stat(key), null);
  });

  it('writes an old object anew before it is relied on', async () => {
    const bytes = Buffer.from('relied on');
    const old: ObjectStore = {
      ...store,
      stat: async (key) => {
        const stat = await store.stat(key);
        return stat && { ...stat, modifiedAt: later(-2) };
      },
    };
    await putByDigest(store, 'labels', bytes, '');
    const written: string[] = [];
    const put: ObjectStore['put'] = async (key, ...rest) => {
      written.push(key);
      await store.put(key, ...rest);
    };
    const { key } = await putByDigest({ ...old, put }, 'labels', bytes, '');
    assert.deepEqual(written, [key]);
  });

  describe('after a crash while a set is published', () => {
    let run: DistillationRun;
    let payload: Payload;
    let inputs: string[];
    const crash = async (step: string) => {
      const file = join(world.stateDir, 'payload.json');
      await writeFile(file, JSON.stringify(payload));
      const child = spawnSync(process.execPath, [CHILD, file, folder, step], { encoding: 'utf8' });
      assert.equal(child.signal, step === 'never 0' ? null : 'SIGKILL', child.stderr);
      return child.stdout;
    };
    const endTask = (state: 'CANCELED' | 'SUCCEEDED') =>
      world.database.task.updateMany({ where: { runId: run.id }, data: { state } });

    beforeEach(async () => {
      run = await seedRun(world.database, await seedPool(world.database, await seedDataset(world.database, project)));
      payload = payloadOf(await makeInputs(store), { runId: run.id, distilledSetId: run.id, name: run.name });
      await world.database.task.create({
        data: { projectId: project.id, runId: run.id, kind: 'PUBLISHING', state: 'RUNNING', payload: toJson(payload) },
      });
      inputs = (await keysOf(store)).filter((key) => key.includes('/'));
    });

    it('has three writes to crash at', async () => {
      assert.equal(await crash('never 0'), '3');
    });

    for (const write of [1, 2, 3]) {
      for (const when of ['before', 'within', 'after']) {
        it(`nothing shows, and nothing stays: ${when} write ${write}`, async () => {
          await crash(`${when} ${write}`);
          assert.equal(await world.database.distilledSet.count({ where: { runId: run.id } }), 0);
          const whole = write - (when === 'after' ? 0 : 1);
          assert.equal((await keysOf(store, 'distilled-sets/')).length, whole);
          assert.equal(await uploadsOf(store), when === 'within' ? 1 : 0);
          // While the task may go on, what it wrote is kept, however old.
          const waiting = await collect();
          assert.deepEqual([waiting.objects, waiting.uploads, waiting.kept.objects], [0, 0, whole]);
          // The next attempt makes the same set of what is there.
          const result = await publish(payload, recordedContext(store));
          assert.equal((await keysOf(store, 'distilled-sets/')).length, 3);
          for (const { key } of [...result.shards, result.manifest]) assert.notEqual(await store.stat(key), null);
          await endTask('CANCELED');
          const { objects, uploads } = await collect();
          assert.deepEqual([objects, uploads], [3, when === 'within' ? 1 : 0]);
          assert.deepEqual(
            (await keysOf(store)).filter((key) => key.includes('/')),
            inputs,
          );
          await world.database.distillationRun.delete({ where: { id: run.id } });
          await collect();
          assert.deepEqual(
            (await keysOf(store)).filter((key) => key.includes('/')),
            [],
          );
          assert.equal(await uploadsOf(store), 0);
        });
      }
    }
  });
});
