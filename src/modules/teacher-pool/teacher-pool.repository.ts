import type { Transaction } from '../../platform/database/client.js';
import type { Prisma, Teacher, TeacherPool } from '../../platform/database/generated/client.js';
import { requireUuid } from '../kit/node.js';
import { keyset, type Window } from '../kit/paging.js';
import type { TeacherPoolFilter } from './teacher-pool.input.js';

/** Pools and teachers of one project: another project's do not exist here. */
export class TeacherPoolRepository {
  constructor(private readonly database: Transaction) {}

  byIds(projectId: string, ids: readonly string[]): Promise<TeacherPool[]> {
    return this.database.teacherPool.findMany({ where: { projectId, id: { in: [...ids] } } });
  }

  list(projectId: string, filter: TeacherPoolFilter | null, window: Window): Promise<TeacherPool[]> {
    const { where, ...page } = keyset(window);
    return this.database.teacherPool.findMany({ where: { ...whereOf(projectId, filter), ...where }, ...page });
  }

  count(projectId: string, filter: TeacherPoolFilter | null): Promise<number> {
    return this.database.teacherPool.count({ where: whereOf(projectId, filter) });
  }

  teachersByIds(projectId: string, ids: readonly string[]): Promise<Teacher[]> {
    return this.database.teacher.findMany({ where: { pool: { projectId }, id: { in: [...ids] } } });
  }
}

const whereOf = (projectId: string, filter: TeacherPoolFilter | null): Prisma.TeacherPoolWhereInput => ({
  projectId,
  ...(filter?.states ? { state: { in: filter.states } } : {}),
  ...(filter?.datasetId ? { datasetId: requireUuid('Dataset', filter.datasetId, ['filter', 'datasetId']) } : {}),
});
