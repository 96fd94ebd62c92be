import type { Transaction } from '../../platform/database/client.js';
import type { DistillationRun, Prisma } from '../../platform/database/generated/client.js';
import { parseRunEvent, type StoredRunEvent } from '../../platform/events/stored-event.js';
import { requireUuid } from '../kit/node.js';
import { keyset, type Window } from '../kit/paging.js';
import type { DistillationRunFilter } from './distillation-run.input.js';

/** Runs of one project: another project's do not exist here. */
export class DistillationRunRepository {
  constructor(private readonly database: Transaction) {}

  byIds(projectId: string, ids: readonly string[]): Promise<DistillationRun[]> {
    return this.database.distillationRun.findMany({ where: { projectId, id: { in: [...ids] } } });
  }

  list(projectId: string, filter: DistillationRunFilter | null, window: Window): Promise<DistillationRun[]> {
    const { where, ...page } = keyset(window);
    return this.database.distillationRun.findMany({ where: { ...whereOf(projectId, filter), ...where }, ...page });
  }

  count(projectId: string, filter: DistillationRunFilter | null): Promise<number> {
    return this.database.distillationRun.count({ where: whereOf(projectId, filter) });
  }

  /** The next `take` events after a sequence, of a run that the caller has found in the project. */
  async events(runId: string, afterSequence: number, take: number): Promise<StoredRunEvent[]> {
    const where = { runId, sequence: { gt: afterSequence } };
    const rows = await this.database.runEvent.findMany({ where, orderBy: { sequence: 'asc' }, take });
    return rows.map((row) => parseRunEvent(row));
  }
}

const whereOf = (projectId: string, filter: DistillationRunFilter | null): Prisma.DistillationRunWhereInput => ({
  projectId,
  ...(filter?.states ? { state: { in: filter.states } } : {}),
  ...(filter?.datasetId ? { datasetId: requireUuid('Dataset', filter.datasetId, ['filter', 'datasetId']) } : {}),
  ...(filter?.teacherPoolId
    ? { poolId: requireUuid('TeacherPool', filter.teacherPoolId, ['filter', 'teacherPoolId']) }
    : {}),
});
