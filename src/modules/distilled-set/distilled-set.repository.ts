import type { Transaction } from '../../platform/database/client.js';
import type {
  DistilledSet,
  DistilledShard,
  LabelFile,
  LabelSet,
  Prisma,
} from '../../platform/database/generated/client.js';
import { keyset, type Window } from '../kit/paging.js';
import type { DistilledSetFilter } from './distilled-set.input.js';

export type LabelSetWithFiles = LabelSet & { files: LabelFile[] };

/** Sets of one project: another project's do not exist here. */
export class DistilledSetRepository {
  constructor(private readonly database: Transaction) {}

  byIds(projectId: string, ids: readonly string[]): Promise<DistilledSet[]> {
    return this.database.distilledSet.findMany({ where: { projectId, id: { in: [...ids] } } });
  }

  ofRuns(projectId: string, runIds: readonly string[]): Promise<DistilledSet[]> {
    return this.database.distilledSet.findMany({ where: { projectId, runId: { in: [...runIds] } } });
  }

  list(projectId: string, filter: DistilledSetFilter | null, window: Window): Promise<DistilledSet[]> {
    const { where, ...page } = keyset(window);
    return this.database.distilledSet.findMany({ where: { ...whereOf(projectId, filter), ...where }, ...page });
  }

  count(projectId: string, filter: DistilledSetFilter | null): Promise<number> {
    return this.database.distilledSet.count({ where: whereOf(projectId, filter) });
  }

  shardsOfSets(projectId: string, setIds: readonly string[]): Promise<DistilledShard[]> {
    const where = { distilledSet: { projectId }, distilledSetId: { in: [...setIds] } };
    return this.database.distilledShard.findMany({ where, orderBy: { index: 'asc' } });
  }

  labelSetsOfSets(projectId: string, setIds: readonly string[]): Promise<LabelSetWithFiles[]> {
    return this.database.labelSet.findMany({
      where: { distilledSet: { projectId }, distilledSetId: { in: [...setIds] } },
      include: { files: { orderBy: { index: 'asc' } } },
      orderBy: { mode: 'asc' },
    });
  }
}

const whereOf = (projectId: string, filter: DistilledSetFilter | null): Prisma.DistilledSetWhereInput => ({
  projectId,
  ...(filter?.states ? { state: { in: filter.states } } : {}),
});
