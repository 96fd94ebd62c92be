import type { Transaction } from '../../platform/database/client.js';
import type { Worker } from '../../platform/database/generated/client.js';
import { keyset, type Window } from '../kit/paging.js';

/** A worker beats every second or so; after this long it counts as gone. */
const SILENCE_MS = 30_000;
/** Whoever has been silent for so long is not looked at any more. */
const WATCHED_MS = 10 * 60_000;

export const isAlive = (worker: Pick<Worker, 'state' | 'heartbeatAt'>): boolean =>
  worker.state !== 'STOPPED' && Date.now() - worker.heartbeatAt.getTime() < SILENCE_MS;

/** A worker, and the task that it computes, of whatever project. */
export type WatchedWorker = Worker & {
  runningTaskId: string | null;
  /** Whether it was alive when it was looked at. */
  wasAlive?: boolean;
};

/** Workers serve all projects. */
export class WorkerRepository {
  constructor(private readonly database: Transaction) {}

  byIds(ids: readonly string[]): Promise<Worker[]> {
    return this.database.worker.findMany({ where: { id: { in: [...ids] } } });
  }

  list(window: Window): Promise<Worker[]> {
    return this.database.worker.findMany(keyset(window));
  }

  /** Those that gave a sign of life lately. */
  async watched(): Promise<WatchedWorker[]> {
    const workers = await this.database.worker.findMany({
      where: { heartbeatAt: { gt: new Date(Date.now() - WATCHED_MS) } },
      include: {
        tasks: { where: { state: 'RUNNING' }, select: { id: true }, orderBy: { startedAt: 'desc' }, take: 1 },
      },
    });
    return workers.map(({ tasks, ...worker }) => ({ ...worker, runningTaskId: tasks[0]?.id ?? null }));
  }

  count(): Promise<number> {
    return this.database.worker.count();
  }
}
