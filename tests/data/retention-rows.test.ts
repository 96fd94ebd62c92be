import 'reflect-metadata';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Project } from '../../src/platform/database/generated/client.js';
import { type ObjectStore, putByDigest } from '../../src/platform/object-store/object-store.js';
import { openObjectStore } from '../../src/platform/object-store/open-object-store.js';
import { type CollectOptions, collectGarbage } from '../../src/platform/retention/collect.js';
import { newWorker } from '../support/by-hand.js';
import { seedRealSet } from '../support/real-set.js';
import { seedDataset, seedPool, seedProject, seedRun } from '../support/seeds.js';
import { keysOf } from '../support/store-keys.js';
import { createWorld, type World } from '../support/world.js';

const HOUR = 3_600_000;
const later = (hours: number) => new Date(Date.now() + hours * HOUR);

describe('what garbage collection makes of rows whose time is over', () => {
  let world: World;
  let project: Project;
  let folders = 0;
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
    project = await seedProject(world.database);
    store = await openObjectStore({ kind: 'folder', path: join(world.stateDir, `objects-${++folders}`) });
  });

  it('removes what is of no more use a month after its time: keys of requests, tokens, progress of ended runs, workers', async () => {
    const { database } = world;
    const set = await seedRealSet({ database, store }, project);
    const { runId } = await database.distilledSet.findUniqueOrThrow({ where: { id: set.manifest.id } });
    const token = { distilledSetId: set.manifest.id, name: 'job', secretHash: 'x', expiresAt: new Date() };
    await database.distilledSetToken.create({ data: { ...token, prefix: 'over' } });
    await database.distilledSetToken.create({ data: { ...token, prefix: 'good', expiresAt: later(24 * 365) } });
    const { id: projectId } = project;
    const key = { projectId, key: 'k', operation: 'o', requestHash: 'h', objectId: projectId };
    await database.idempotencyKey.create({ data: key });
    await database.distillationRun.update({ where: { id: runId }, data: { finishedAt: new Date() } });
    await database.runEvent.deleteMany({ where: { runId } });
    await database.runEvent.createMany({
      data: ['STATE_CHANGED', 'TASK_PROGRESS', 'TASK_PROGRESS', 'STATE_CHANGED'].map((type, index) => ({
        ...{ runId, sequence: index + 1, type, payload: {} },
      })),
    });
    await newWorker(world);
    const busy = await newWorker(world);
    await database.task.create({
      data: { projectId, kind: 'SYNTHESIS', state: 'RUNNING', runId, payload: {}, workerId: busy },
    });
    const rowsAt = async (days: number, dryRun = false) => {
      const { rows } = await collect({ now: later(24 * days), dryRun });
      return [rows.tokens, rows.idempotencyKeys, rows.progressEvents, rows.workers];
    };
    assert.deepEqual(await rowsAt(29), [0, 0, 0, 0]);
    assert.deepEqual(await rowsAt(31, true), [1, 1, 2, 1]);
    assert.deepEqual(await rowsAt(31), [1, 1, 2, 1]);
    assert.deepEqual(await database.worker.findMany({ select: { id: true } }), [{ id: busy }]);
    await database.worker.deleteMany();
    const events = await database.runEvent.findMany({ where: { runId }, orderBy: { sequence: 'asc' } });
    assert.deepEqual(
      events.map(({ sequence }) => sequence),
      [1, 4],
    );
    assert.equal((await database.distilledSetToken.findMany()).length, 1);
  });

  it('removes a set a while after its deletion, with all that it alone named, and not before', async () => {
    const parts = { database: world.database, store };
    const deleted = await seedRealSet(parts, project);
    const kept = await seedRealSet(parts, project);
    const state = { state: 'ARCHIVED', archivedAt: new Date(), deleteAfter: later(24 * 7) } as const;
    await world.database.distilledSet.update({ where: { id: deleted.manifest.id }, data: state });
    assert.deepEqual((await collect()).rows.distilledSets, 0);
    const dry = await collect({ now: later(24 * 8), dryRun: true });
    assert.deepEqual([dry.rows.distilledSets, await world.database.distilledSet.count()], [1, 2]);
    const { rows } = await collect({ now: later(24 * 8) });
    assert.equal(rows.distilledSets, 1);
    assert.equal(await world.database.distilledSet.count({ where: { id: deleted.manifest.id } }), 0);
    const set = await world.database.distilledSet.findUniqueOrThrow({ where: { id: kept.manifest.id } });
    // Equal content: the other set names the same shards, but a manifest of its own.
    const shards = await world.database.distilledShard.findMany();
    const left = await keysOf(store, 'distilled-sets/');
    assert.deepEqual(left, [set.manifestKey, ...shards.map((shard) => shard.objectKey)].sort());
  });

  it('removes a deleted run with its tasks and curves, then its pool and its dataset, and keeps what others stand on', async () => {
    const { database } = world;
    const [dataset, other] = [await seedDataset(database, project), await seedDataset(database, project)];
    const [pool, shared] = [await seedPool(database, dataset), await seedPool(database, other)];
    const [gone, kept] = [await seedRun(database, pool), await seedRun(database, shared)];
    const derived = await seedRun(database, shared);
    await database.distillationRun.update({
      where: { id: derived.id },
      data: { originRunId: gone.id, originKind: 'CLONE' },
    });
    const checkpoint = await putByDigest(store, 'checkpoints/of-the-run', Buffer.from('state'), '');
    const task = { projectId: project.id, runId: gone.id, kind: 'SYNTHESIS', state: 'CANCELED', payload: {} } as const;
    const { id: taskId } = await database.task.create({ data: { ...task, checkpointKey: checkpoint.key } });
    await database.metricPoint.create({ data: { runId: gone.id, taskId, name: 'loss', step: 1, value: 1 } });
    const deleteAfter = later(24 * 7);
    await database.distillationRun.updateMany({
      where: { id: gone.id },
      data: { archivedAt: new Date(), deleteAfter },
    });
    await database.teacherPool.updateMany({ data: { deleteAfter } });
    await database.dataset.updateMany({ data: { archivedAt: new Date(), deleteAfter } });
    const counts = async () => [
      await database.distillationRun.count(),
      await database.teacherPool.count(),
      await database.dataset.count(),
      await database.metricPoint.count({ where: { runId: gone.id } }),
    ];
    await collect();
    assert.deepEqual(await counts(), [3, 2, 2, 1], 'before its time');
    const dry = await collect({ now: later(24 * 8), dryRun: true });
    const { distillationRuns, teacherPools, datasets } = dry.rows;
    assert.deepEqual([distillationRuns, teacherPools, datasets, await counts()], [1, 1, 1, [3, 2, 2, 1]]);
    const { rows } = await collect({ now: later(24 * 8) });
    assert.deepEqual([rows.distillationRuns, rows.teacherPools, rows.datasets], [1, 1, 1]);
    assert.deepEqual(await counts(), [2, 1, 1, 0]);
    assert.equal(await store.stat(checkpoint.key), null);
    const left = await database.distillationRun.findMany({ orderBy: { id: 'asc' } });
    assert.deepEqual(
      left.map(({ id, originRunId }) => [id, originRunId]),
      [kept.id, derived.id].sort().map((id) => [id, null]),
    );
  });

  it('keeps a dataset that something stands on, whatever was asked', async () => {
    const used = await seedDataset(world.database, project);
    await seedPool(world.database, used);
    await seedDataset(world.database, project);
    const data = { archivedAt: new Date(), deleteAfter: new Date() };
    await world.database.dataset.updateMany({ data });
    assert.equal((await collect()).rows.datasets, 1);
    const left = await world.database.dataset.findMany({ select: { id: true } });
    assert.deepEqual(left, [{ id: used.id }]);
  });
});
