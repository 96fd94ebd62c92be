import type { Transaction } from '../../platform/database/client.js';
import type { Dataset, Prisma } from '../../platform/database/generated/client.js';
import { keyset, type Window } from '../kit/paging.js';
import type { DatasetFilter } from './dataset.input.js';

/** Datasets of one project: another project's do not exist here. */
export class DatasetRepository {
  constructor(private readonly database: Transaction) {}

  byIds(projectId: string, ids: readonly string[]): Promise<Dataset[]> {
    return this.database.dataset.findMany({ where: { projectId, id: { in: [...ids] } } });
  }

  list(projectId: string, filter: DatasetFilter | null, window: Window): Promise<Dataset[]> {
    const { where, ...page } = keyset(window);
    return this.database.dataset.findMany({ where: { ...whereOf(projectId, filter), ...where }, ...page });
  }

  count(projectId: string, filter: DatasetFilter | null): Promise<number> {
    return this.database.dataset.count({ where: whereOf(projectId, filter) });
  }
}

const whereOf = (projectId: string, filter: DatasetFilter | null): Prisma.DatasetWhereInput => ({
  projectId,
  ...(filter?.states ? { state: { in: filter.states } } : {}),
});
