import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import { environmentOf, type S3Server } from '../support/s3-server.js';
import { startSeaweedfs } from '../support/seaweedfs.js';
import { openSmallRuns, type SmallRuns } from '../support/small-runs.js';
import { until } from '../support/until.js';
import type { TestWorker } from '../support/worker.js';
import { createWorld, type World } from '../support/world.js';

/** A request is tried eight times before an attempt gives up: half a minute, at most. */
const GIVING_UP_MS = 60_000;
const ALL = { times: Number.POSITIVE_INFINITY };

describe('a worker that loses its object store', () => {
  let server: S3Server;
  let proxy: FaultProxy;
  let world: World;
  let worker: TestWorker;
  let runs: SmallRuns;
  let undisturbed: string | undefined;

  before(async () => {
    server = await startSeaweedfs();
    proxy = await startFaultProxy(server.endpoint);
    world = await createWorld();
    worker = await world.startWorker(environmentOf({ ...server.config('outage'), endpoint: proxy.endpoint }));
    runs = await openSmallRuns(world);
    const run = await runs.newRun();
    await runs.succeeded(run.id);
    undisturbed = await runs.imagesOf(run.id);
  });
  afterEach(async () => {
    proxy.heal();
    await runs.leaveNothing();
  });
  after(async () => {
    await world?.close();
    await proxy?.close();
    await server?.close();
  });

  it('goes on within its attempt when the store is back in time', async () => {
    const { run, goOn } = await runs.midway();
    const before = proxy.requests.length;
    proxy.inject({ kind: 'RESET' }, ALL);
    await goOn();
    await until('some requests were reset', () => proxy.requests.length >= before + 3);
    proxy.heal();
    await runs.succeeded(run.id);
    assert.deepEqual(await runs.outcomes(run.id), ['SUCCEEDED']);
    assert.equal(await runs.imagesOf(run.id), undisturbed);
  });

  it('is given the task again after a pause when it is not, and goes on from the checkpoint to the same bytes', async () => {
    const { run, task, goOn } = await runs.midway();
    const taskId = task.id;
    proxy.inject({ kind: 'RESET' }, ALL);
    await goOn();
    await worker.logged('attempt ended', { taskId, attempt: 1 }, GIVING_UP_MS);
    proxy.heal();
    await runs.succeeded(run.id);
    assert.deepEqual(await runs.outcomes(run.id), ['FAILED', 'SUCCEEDED']);
    const again = await worker.logged('attempt started', { taskId, attempt: 2 });
    assert.ok((again.fromStep ?? 0) >= 20, 'the second attempt did not begin at the beginning');
    assert.equal(await runs.imagesOf(run.id), undisturbed);
  });

  it('fails the run in one line when nothing helps, and another one succeeds once the store is back', async () => {
    const { run, task, goOn } = await runs.midway();
    proxy.inject({ kind: 'STATUS', status: 503, code: 'SlowDown' }, ALL);
    await goOn();
    // A hundred attempts take an hour. The first one gives up after half a minute only.
    await world.database.taskAttempt.createMany({
      data: Array.from({ length: 99 }, (_, i) => ({
        ...{ taskId: task.id, number: 1000 + i, fence: 0, endedAt: new Date() },
        ...({ outcome: 'FAILED', failureCode: 'UNAVAILABLE' } as const),
      })),
    });
    await until('the run has failed', async () => (await runs.runOf(run.id)).state === 'FAILED', GIVING_UP_MS);
    proxy.heal();
    const { failureCode, failureKind, failureMessage } = await runs.runOf(run.id);
    assert.deepEqual([failureCode, failureKind], ['UNAVAILABLE', 'SYSTEM']);
    assert.match(
      failureMessage ?? '',
      /^The object store at \S+ does not answer as it should \(HTTP 503\): check S3_ENDPOINT[^\n]*$/,
    );
    const again = await runs.newRun();
    await runs.succeeded(again.id);
    assert.equal(await runs.imagesOf(again.id), undisturbed);
  });
});
