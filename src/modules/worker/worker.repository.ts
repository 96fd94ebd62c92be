import type { Transaction } from '../../platform/database/client.js';
import { Prisma, type Worker } from '../../platform/database/generated/client.js';
import { readRows } from '../../platform/database/read.js';
import type { ColumnsOf } from '../kit/columns.js';
import { type Connection, readConnection } from '../kit/connection.js';
import type { PageArguments } from '../kit/paging.js';
import { allOf } from '../kit/window-sql.js';
import { SILENCE_MS } from './alive.js';
import { type Device, type Worker as WorkerObject, Workers } from './worker.type.js';

/** Whoever has been silent for so long is not looked at any more. */
const WATCHED_MS = 10 * 60_000;

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

  /** Those of workers that are alive. */
  devices(): Promise<Device[]> {
    return readRows(
      this.database,
      Prisma.sql`
      SELECT hostname, device, max("deviceMemoryBytes") AS "memoryBytes", count(*)::int AS workers,
        (count(*) FILTER (WHERE state = 'BUSY'))::int AS busy
      FROM "Worker" WHERE "heartbeatAt" >= now() - ${SILENCE_MS} * interval '1 millisecond' AND state <> 'STOPPED'
      GROUP BY 1, 2 ORDER BY 1, 2`,
    );
  }

  list(page: PageArguments, columns?: ColumnsOf): Promise<Connection<WorkerObject>> {
    return readConnection(this.database, Workers, allOf([]), page, columns);
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
}
