import { type RunConfig, runConfig } from '../../domain/config.js';
import type { Transaction } from '../../platform/database/client.js';
import { type DistillationRun, Prisma } from '../../platform/database/generated/client.js';
import { parseRunEvent, type StoredRunEvent } from '../../platform/events/stored-event.js';
import type { Columns, ColumnsOf } from '../kit/columns.js';
import { type Connection, readConnection } from '../kit/connection.js';
import type { PageArguments } from '../kit/paging.js';
import { allOf, ofProject, oneOf, readByIds, references } from '../kit/window-sql.js';
import { type DistillationRun as DistillationRunObject, DistillationRuns } from './distillation-run.type.js';
import type { DistillationRunFilter } from './run-filter.input.js';

/** Runs of one project: another project's do not exist here. */
export class DistillationRunRepository {
  constructor(private readonly database: Transaction) {}

  byIds(projectId: string, ids: readonly string[], columns?: Columns): Promise<DistillationRun[]> {
    return readByIds(this.database, 'DistillationRun', projectId, ids, columns);
  }

  async configsOf(projectId: string, ids: readonly string[]): Promise<{ id: string; config: RunConfig }[]> {
    const where = { projectId, id: { in: [...ids] } };
    const rows = await this.database.distillationRun.findMany({ where, select: { id: true, config: true } });
    return rows.map(({ id, config }) => ({ id, config: runConfig.parse(config) }));
  }

  list(
    projectId: string,
    filter: DistillationRunFilter | null,
    page: PageArguments,
    columns?: ColumnsOf,
  ): Promise<Connection<DistillationRunObject>> {
    return readConnection(this.database, DistillationRuns, whereOf(projectId, filter), page, columns);
  }

  /** The next `take` events after a sequence, of a run that the caller has found in the project. */
  async events(runId: string, afterSequence: number, take: number): Promise<StoredRunEvent[]> {
    const where = { runId, sequence: { gt: afterSequence } };
    const rows = await this.database.runEvent.findMany({ where, orderBy: { sequence: 'asc' }, take });
    return rows.map((row) => parseRunEvent(row));
  }
}

const whereOf = (projectId: string, filter: DistillationRunFilter | null): Prisma.Sql =>
  allOf([
    ofProject(projectId),
    filter?.archived ? Prisma.sql`item."archivedAt" IS NOT NULL` : Prisma.sql`item."archivedAt" IS NULL`,
    filter?.states ? oneOf('state', filter.states, '"RunState"') : null,
    filter?.methods ? oneOf('method', filter.methods, '"Method"') : null,
    references('datasetId', 'Dataset', filter?.datasetId, 'datasetId'),
    references('poolId', 'TeacherPool', filter?.teacherPoolId, 'teacherPoolId'),
    filter?.labels?.length ? Prisma.sql`item.labels @> ${filter.labels}::text[]` : null,
    filter?.createdAfter ? Prisma.sql`item."createdAt" >= ${filter.createdAfter}::timestamptz` : null,
    filter?.createdBefore ? Prisma.sql`item."createdAt" < ${filter.createdBefore}::timestamptz` : null,
  ]);
