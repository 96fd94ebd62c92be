import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openDatabase } from '../../src/platform/database/client.js';
import { createLog } from '../../src/platform/log.js';
import { startRun } from '../../src/platform/orchestration/index.js';
import { startAttempt } from '../../workers/attempt.js';
import { claimNext } from '../support/by-hand.js';
import { seedDataset, seedPool, seedProject, seedRun } from '../support/seeds.js';
import { createWorld, type World } from '../support/world.js';

describe('an attempt whose worker stops', () => {
  let world: World;
  before(async () => {
    world = await createWorld();
  });
  after(() => world?.close());

  it('is no success while its database is away: the queue is to offer the task again', {
    timeout: 60_000,
  }, async () => {
    const dataset = await seedDataset(world.database, await seedProject(world.database));
    const run = await seedRun(world.database, await seedPool(world.database, dataset));
    await world.transact((work) => startRun(work, run.id));
    const claim = await claimNext(world, { runId: run.id });
    // Nobody listens there.
    const away = openDatabase('postgresql://nobody@127.0.0.1:9/nothing');
    const attempt = startAttempt(claim, {
      backend: { database: away, queue: world.queue },
      store: world.store,
      workplace: { store: world.storeConfig, scratch: world.stateDir, shardCache: null },
      log: createLog('test', 'silent'),
      onUnreadable: async () => undefined,
    });
    attempt.drain();
    // As who stops a machine may do with every process on it.
    attempt.killNow();
    assert.equal(await attempt.ended, 'RETRY');
    await away.$disconnect();
  });
});
