import assert from 'node:assert/strict';
import { after, before, describe, it, mock } from 'node:test';
import type { WatchedWorker, WorkerRepository } from '../../src/modules/worker/worker.repository.js';
import { WorkerWatch } from '../../src/modules/worker/worker-watch.js';
import { createLog } from '../../src/platform/log.js';
import { newWorker } from '../support/by-hand.js';
import { at, listAt, openApi, type TestApi } from './server.js';

describe('watching workers', () => {
  it('begins with those that are alive for who comes while the look for who has left is under way', async () => {
    const worker = {
      id: 'one',
      state: 'IDLE',
      isAlive: true,
      runningTaskId: null,
    } as unknown as WatchedWorker;
    let answer: (workers: WatchedWorker[]) => void = () => undefined;
    let looks = 0;
    const watched = () =>
      new Promise<WatchedWorker[]>((resolve) => {
        looks++;
        answer = resolve;
      });
    const watch = new WorkerWatch({ watched } as unknown as WorkerRepository, createLog('test', 'silent'));
    const viewer = { projectId: 'p', keyPrefix: 'k', role: 'VIEWER' } as const;
    const first = watch.follow(viewer);
    const told = first.next();
    answer([worker]);
    assert.equal((await told).value?.id, 'one');

    const idle = first.next();
    while (looks < 2) await new Promise((resolve) => setImmediate(resolve));
    await first.return?.();
    await idle;
    const second = watch.follow(viewer);
    const begins = second.next();
    answer([worker]);
    assert.equal((await begins).value?.id, 'one');
    await second.return?.();
  });
});

describe('a worker whose service has another time than the database', () => {
  let api: TestApi;
  before(async () => {
    api = await openApi();
  });
  after(() => api.close());

  it('is alive or silent by the clock of the database', async () => {
    const real = Date.now.bind(Date);
    const [now, minuteAgo] = [new Date(), new Date(real() - 60_000)];
    await newWorker(api.world, minuteAgo);
    await newWorker(api.world, now);
    for (const shift of [60_000, -60_000]) {
      const clock = mock.method(Date, 'now', () => real() + shift);
      try {
        const { data } = await api.send('{ workers(first: 2) { nodes { alive } } }');
        assert.deepEqual(listAt(data, 'workers.nodes'), [{ alive: true }, { alive: false }], `${shift}`);
        const [told] = await api.follow('subscription { workerStatus { alive } }', {}, 1);
        assert.equal(at(told, 'data.workerStatus.alive'), true, `${shift}`);
      } finally {
        clock.mock.restore();
      }
    }
  });
});
