/** Sees what changes with the workers: one look a second for all who watch, and none while nobody does. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Viewer } from '../../domain/viewer.js';
import { type Bell, createBell } from '../../platform/bell.js';
import type { Log } from '../../platform/log.js';
import { outsideOfRequests } from '../../platform/telemetry/request-trace.js';
import { assertAllowed } from '../kit/permissions.js';
import { abortable } from '../kit/stream.js';
import type { WatchedWorker, WorkerRepository } from './worker.repository.js';

const LOOK_MS = 1_000;

interface Watcher {
  bell: Bell;
  /** Not yet told; of each worker the newest. */
  untold: Map<string, WatchedWorker>;
}

export class WorkerWatch {
  private readonly watchers = new Set<Watcher>();
  /** By id, as of the last look. Null while nobody watches. */
  private seen: Map<string, WatchedWorker> | null = null;
  private watching = false;

  constructor(
    private readonly workers: WorkerRepository,
    private readonly log: Log,
  ) {}

  /** The workers that are alive, then each one that changes its state, its task, or falls silent. */
  follow(viewer: Viewer): AsyncIterableIterator<WatchedWorker> {
    assertAllowed(viewer, 'object:read');
    return abortable((signal) => this.changes(signal));
  }

  private async *changes(signal: AbortSignal): AsyncGenerator<WatchedWorker, void, undefined> {
    const watcher: Watcher = { bell: createBell(), untold: new Map() };
    for (const worker of this.seen?.values() ?? []) if (worker.isAlive) watcher.untold.set(worker.id, worker);
    signal.addEventListener('abort', watcher.bell.ring, { once: true });
    this.watchers.add(watcher);
    outsideOfRequests(() => void this.watch());
    try {
      while (!signal.aborted) {
        watcher.bell.reset();
        const [worker] = watcher.untold.values();
        if (worker === undefined) {
          await watcher.bell.heard();
          continue;
        }
        watcher.untold.delete(worker.id);
        yield worker;
      }
    } finally {
      signal.removeEventListener('abort', watcher.bell.ring);
      this.watchers.delete(watcher);
      if (this.watchers.size === 0) this.seen = null;
    }
  }

  /** One at a time, and for as long as somebody watches. */
  private async watch(): Promise<void> {
    if (this.watching) return;
    this.watching = true;
    while (this.watchers.size > 0) {
      await this.look().catch((error: unknown) =>
        this.log.warn({ reason: String(error) }, 'workers could not be looked at'),
      );
      await wait(LOOK_MS, undefined, { ref: false });
    }
    this.watching = false;
  }

  private async look(): Promise<void> {
    const now = new Map((await this.workers.watched()).map((worker) => [worker.id, worker]));
    if (this.watchers.size === 0) return;
    // Only now: the last watcher may have left during the look, and another one come who knows of nothing.
    const known = this.seen;
    for (const worker of now.values()) {
      const before = known?.get(worker.id);
      if (before ? fingerprint(before) !== fingerprint(worker) : worker.isAlive) this.tell(worker);
    }
    this.seen = now;
  }

  private tell(worker: WatchedWorker): void {
    for (const { bell, untold } of this.watchers) {
      untold.set(worker.id, worker);
      bell.ring();
    }
  }
}

/** What a watcher is told of. */
const fingerprint = ({ state, isAlive, runningTaskId }: WatchedWorker): string =>
  [state, isAlive, runningTaskId].join(' ');
