import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openDatabase } from '../../src/platform/database/client.js';
import { createRunEventHub, type RunEventHub } from '../../src/platform/events/run-event-hub.js';
import type { StoredRunEvent } from '../../src/platform/events/stored-event.js';
import { createLog } from '../../src/platform/log.js';
import { appendRunEvent, requestRunCancel, startRun } from '../../src/platform/orchestration/index.js';
import { workOff } from '../support/by-hand.js';
import { seedDataset, seedPool, seedProject, seedRun } from '../support/seeds.js';
import { until } from '../support/until.js';
import { createWorld, type World } from '../support/world.js';

describe('following a run', () => {
  let world: World;
  let hub: RunEventHub;
  before(async () => {
    world = await createWorld();
    hub = createRunEventHub({
      database: world.database,
      databaseUrl: world.databaseUrl,
      log: createLog('test', 'silent'),
    });
  });
  after(async () => {
    await hub.close();
    await world.close();
  });

  const newRun = async () => {
    const dataset = await seedDataset(world.database, await seedProject(world.database));
    const run = await seedRun(world.database, await seedPool(world.database, dataset));
    await world.transact((work) => startRun(work, run.id));
    return run;
  };
  const appendProgress = (runId: string, step: number, database = world.database) =>
    database.$transaction((tx) =>
      appendRunEvent(tx, runId, {
        type: 'TASK_PROGRESS',
        taskId: runId,
        kind: 'SYNTHESIS',
        index: 0,
        step,
        totalSteps: 100,
        loss: null,
      }),
    );
  const never = new AbortController().signal;
  /** Collects in the background what a follower sees. */
  const collect = (runId: string, afterSequence = 0, signal = never) => {
    const seen: StoredRunEvent[] = [];
    const ended = (async () => {
      for await (const event of hub.follow(runId, afterSequence, signal)) seen.push(event);
    })();
    return { seen, ended, sequences: () => seen.map((event) => event.sequence) };
  };
  const oneTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, index) => first + index);
  /** Which backend listens, for a connection to break. */
  const listeners = () =>
    world.database.$queryRaw<{ pid: number }[]>`
      SELECT pid FROM pg_stat_activity
      WHERE application_name = 'teddyhub-events' AND datname = current_database() AND query LIKE 'LISTEN%'`;

  it('replays what was, and ends with the run', async () => {
    const run = await newRun();
    await workOff(world, { runId: run.id });
    const { seen, ended, sequences } = collect(run.id);
    await ended;
    assert.deepEqual(sequences(), oneTo(seen.length));
    assert.deepEqual(seen[0]?.payload, { type: 'STATE_CHANGED', from: null, to: 'QUEUED', failure: null });
    assert.equal(seen.at(-1)?.payload.type, 'STATE_CHANGED');

    const later = collect(run.id, 3);
    await later.ended;
    assert.deepEqual(later.sequences(), oneTo(seen.length, 4), 'and only what comes after the given sequence');
  });

  it('tails what another process writes, without waiting for the next look', async (test) => {
    // Minutes away, and not seconds: it cannot be what brings an event, however slow the machine is.
    const { setInterval: repeat } = globalThis;
    test.mock.method(globalThis, 'setInterval', (look: () => void, ms: number) => repeat(look, 60 * ms));
    const run = await newRun();
    const other = openDatabase(world.databaseUrl, { poolSize: 1 });
    const { seen, ended, sequences } = collect(run.id);
    await until('the hub listens', async () => (await listeners()).length === 1);
    await until('the replay', () => seen.length === 1);
    for (let step = 1; step <= 10; step++) {
      await appendProgress(run.id, step, other);
      await until(`step ${step}`, () => seen.length === step + 1);
    }
    await world.transact((work) => requestRunCancel(work, run.id, 'a test'));
    await ended;
    assert.deepEqual(sequences(), oneTo(13));
    await other.$disconnect();
  });

  it('is in order and complete for every follower while many write at once', async () => {
    const run = await newRun();
    const followers = [collect(run.id), collect(run.id), collect(run.id)];
    await Promise.all(oneTo(40).map((step) => appendProgress(run.id, step)));
    await world.transact((work) => requestRunCancel(work, run.id, 'a test'));
    for (const follower of followers) {
      await follower.ended;
      assert.deepEqual(follower.sequences(), oneTo(43));
    }
  });

  it('goes on after its connection broke, with nothing lost in between', async () => {
    const run = await newRun();
    const { seen, ended, sequences } = collect(run.id);
    const [listener] = await until('the hub listens', async () => {
      const found = await listeners();
      return found.length === 1 && found;
    });
    assert.ok(listener);
    await world.database.$queryRaw`SELECT pg_terminate_backend(${listener.pid}::int)`;
    await appendProgress(run.id, 1);
    await until('the event written meanwhile', () => seen.length === 2);
    await until('a new connection', async () => (await listeners()).some(({ pid }) => pid !== listener.pid));
    await world.transact((work) => requestRunCancel(work, run.id, 'a test'));
    await ended;
    assert.deepEqual(sequences(), oneTo(4));
  });

  it('costs nothing once it was given up, and nothing before it began', async () => {
    const run = await newRun();
    hub.follow(run.id, 0, never);
    assert.equal(hub.activeFollowers, 0, 'nobody has asked for the first event yet');

    const gone = new AbortController();
    const followers = oneTo(200).map(() => collect(run.id, 0, gone.signal));
    await until('all have seen the replay', () => followers.every((follower) => follower.seen.length === 1));
    assert.equal(hub.activeFollowers, 200);
    gone.abort();
    await Promise.all(followers.map((follower) => follower.ended));
    assert.equal(hub.activeFollowers, 0);
    assert.equal((await listeners()).length, 1, 'one connection for all of them');

    for await (const event of hub.follow(run.id, 0, never)) {
      assert.equal(event.sequence, 1);
      break;
    }
    assert.equal(hub.activeFollowers, 0, 'a loop that was left is a follower no more');
  });
});
