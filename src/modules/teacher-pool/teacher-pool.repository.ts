import type { Transaction } from '../../platform/database/client.js';
import type { Prisma, Teacher, TeacherPool } from '../../platform/database/generated/client.js';
import type { Columns, ColumnsOf } from '../kit/columns.js';
import { type Connection, readConnection } from '../kit/connection.js';
import type { PageArguments } from '../kit/paging.js';
import { allOf, ofProject, oneOf, readByIds, references } from '../kit/window-sql.js';
import type { TeacherPoolFilter } from './teacher-pool.input.js';
import { type TeacherPool as TeacherPoolObject, TeacherPools } from './teacher-pool.type.js';

/** Pools and teachers of one project: another project's do not exist here. */
export class TeacherPoolRepository {
  constructor(private readonly database: Transaction) {}

  byIds(projectId: string, ids: readonly string[], columns?: Columns): Promise<TeacherPool[]> {
    return readByIds(this.database, 'TeacherPool', projectId, ids, columns);
  }

  list(
    projectId: string,
    filter: TeacherPoolFilter | null,
    page: PageArguments,
    columns?: ColumnsOf,
  ): Promise<Connection<TeacherPoolObject>> {
    return readConnection(this.database, TeacherPools, whereOf(projectId, filter), page, columns);
  }

  /** All of them: what a pool may hold is bounded by its configuration. */
  teachersOfPools(projectId: string, poolIds: readonly string[]): Promise<Teacher[]> {
    const where = { pool: { projectId }, poolId: { in: [...poolIds] } };
    return this.database.teacher.findMany({ where, orderBy: { index: 'asc' } });
  }

  teachersByIds(projectId: string, ids: readonly string[]): Promise<Teacher[]> {
    return this.database.teacher.findMany({ where: { pool: { projectId }, id: { in: [...ids] } } });
  }
}

const whereOf = (projectId: string, filter: TeacherPoolFilter | null): Prisma.Sql =>
  allOf([
    ofProject(projectId),
    filter?.states ? oneOf('state', filter.states, '"PoolState"') : null,
    references('datasetId', 'Dataset', filter?.datasetId, 'datasetId'),
  ]);
