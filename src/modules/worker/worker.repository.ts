import type { Transaction } from '../../platform/database/client.js';
import type { Worker } from '../../platform/database/generated/client.js';
import { keyset, type Window } from '../kit/paging.js';

/** Workers serve all projects. */
export class WorkerRepository {
  constructor(private readonly database: Transaction) {}

  byIds(ids: readonly string[]): Promise<Worker[]> {
    return this.database.worker.findMany({ where: { id: { in: [...ids] } } });
  }

  list(window: Window): Promise<Worker[]> {
    return this.database.worker.findMany(keyset(window));
  }

  count(): Promise<number> {
    return this.database.worker.count();
  }
}
