import type { Transaction } from '../../platform/database/client.js';
import { Prisma, type Worker } from '../../platform/database/generated/client.js';
import { readRows } from '../../platform/database/read.js';
import type { ColumnsOf } from '../kit/columns.js';
import { type Connection, readConnection } from '../kit/connection.js';
import type { PageArguments } from '../kit/paging.js';
import { allOf } from '../kit/window-sql.js';
import { type Device, type Worker as WorkerObject, Workers } from './worker.type.js';

/** A worker beats every second or so. By the clock of the database, as heartbeats are: that of the API may differ. */
const IS_ALIVE = Prisma.sql`("heartbeatAt" >= now() - interval '30 seconds' AND state <> 'STOPPED')`;

/** Whoever has been silent for longer is not looked at any more. */
const IS_WATCHED = Prisma.sql`"heartbeatAt" > now() - interval '10 minutes'`;

/** A worker, and the task that it computes, of whatever project. */
export type WatchedWorker = Worker & {
  runningTaskId: string | null;
  /** When it was looked at. */
  isAlive: boolean;
};

/** Workers serve all projects. */
export class WorkerRepository {
  constructor(private readonly database: Transaction) {}

  byIds(ids: readonly string[]): Promise<Worker[]> {
    return this.database.worker.findMany({ where: { id: { in: [...ids] } } });
  }

  /** Which of them are alive. */
  alive(ids: readonly string[]): Promise<{ id: string }[]> {
    const sql = Prisma.sql`SELECT id FROM "Worker" WHERE id = ANY(${[...ids]}::uuid[]) AND ${IS_ALIVE}`;
    return readRows(this.database, sql);
  }

  /** Those of workers that are alive. */
  devices(): Promise<Device[]> {
    return readRows(
      this.database,
      Prisma.sql`
      SELECT hostname, device, max("deviceMemoryBytes") AS "memoryBytes", count(*)::int AS workers,
        (count(*) FILTER (WHERE state = 'BUSY'))::int AS busy
      FROM "Worker" WHERE ${IS_ALIVE}
      GROUP BY 1, 2 ORDER BY 1, 2`,
    );
  }

  list(page: PageArguments, columns?: ColumnsOf): Promise<Connection<WorkerObject>> {
    return readConnection(this.database, Workers, allOf([]), page, columns);
  }

  /** Those that gave a sign of life lately. */
  async watched(): Promise<WatchedWorker[]> {
    const sql = Prisma.sql`SELECT id, ${IS_ALIVE} AS "isAlive" FROM "Worker" WHERE ${IS_WATCHED}`;
    const seen = await readRows<{ id: string; isAlive: boolean }>(this.database, sql);
    const isAlive = new Map(seen.map((worker) => [worker.id, worker.isAlive]));
    const workers = await this.database.worker.findMany({
      where: { id: { in: [...isAlive.keys()] } },
      include: {
        tasks: { where: { state: 'RUNNING' }, select: { id: true }, orderBy: { startedAt: 'desc' }, take: 1 },
      },
    });
    return workers.map(({ tasks, ...worker }) => ({
      ...worker,
      runningTaskId: tasks[0]?.id ?? null,
      isAlive: isAlive.get(worker.id) === true,
    }));
  }
}
