import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { WatchedWorker, WorkerRepository } from '../../src/modules/worker/worker.repository.js';
import { WorkerWatch } from '../../src/modules/worker/worker-watch.js';
import { createLog } from '../../src/platform/log.js';

describe('watching workers', () => {
  it('begins with those that are alive for who comes while the look for who has left is under way', async () => {
    const worker = {
      id: 'one',
      state: 'IDLE',
      heartbeatAt: new Date(),
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
