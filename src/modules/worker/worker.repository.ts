import type { Transaction } from '../../platform/database/client.js';
import type { Worker } from '../../platform/database/generated/client.js';
import { type Connection, readConnection } from '../kit/connection.js';
import type { PageArguments } from '../kit/paging.js';
import { allOf } from '../kit/window-sql.js';
import { type Device, type Worker as WorkerObject, Workers } from './worker.type.js';

/** Workers serve all projects. */
export class WorkerRepository {
  constructor(private readonly database: Transaction) {}

  byIds(ids: readonly string[]): Promise<Worker[]> {
    return this.database.worker.findMany({ where: { id: { in: [...ids] } } });
  }

  /** Those of workers with a heartbeat since then. */
  devices(since: Date): Promise<Device[]> {
    return this.database.$queryRaw`
      SELECT hostname, device, max("deviceMemoryBytes") AS "memoryBytes", count(*)::int AS workers,
        (count(*) FILTER (WHERE state = 'BUSY'))::int AS busy
      FROM "Worker" WHERE "heartbeatAt" >= ${since}::timestamptz AND state <> 'STOPPED'
      GROUP BY 1, 2 ORDER BY 1, 2`;
  }

  list(page: PageArguments): Promise<Connection<WorkerObject>> {
    return readConnection(this.database, Workers, allOf([]), page);
  }
}
