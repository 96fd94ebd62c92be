import { type RunConfig, runConfig } from '../../domain/config/run.js';
import type { Transaction } from '../../platform/database/client.js';
import { type DistillationRun, Prisma } from '../../platform/database/generated/client.js';
import { readRows } from '../../platform/database/read.js';
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

  async list(
    projectId: string,
    filter: DistillationRunFilter | null,
    page: PageArguments,
    columns?: ColumnsOf,
  ): Promise<Connection<DistillationRunObject>> {
    const labelled = labelledRuns(projectId, filter);
    const within = labelled && (await this.areFew(labelled)) ? labelled : null;
    return readConnection(this.database, { ...DistillationRuns, within }, whereOf(projectId, filter), page, columns);
  }

  /**
   * Runs with a label lie anywhere among the others, and the planner takes them for spread evenly: for a label of long ago it
   * would walk the index of the order past all that came since. Few are collected by the index of labels and sorted; many
   * are soon met by walking. As many as are counted here are read from that index alone, whatever the planner thinks.
   */
  private async areFew(labelled: Prisma.Sql): Promise<boolean> {
    const rows = await readRows<object>(
      this.database,
      Prisma.sql`WITH labelled AS MATERIALIZED (SELECT 1 FROM "DistillationRun" item WHERE ${labelled})
        SELECT 1 FROM labelled LIMIT ${FEW + 1}`,
    );
    return rows.length <= FEW;
  }

  /** The next `take` events after a sequence of each of these runs, which the caller has found in the project. */
  async events(runIds: readonly string[], afterSequence: number, take: number): Promise<StoredRunEvent[]> {
    const rows = await readRows<Parameters<typeof parseRunEvent>[0]>(
      this.database,
      Prisma.sql`SELECT event.* FROM unnest(${[...runIds]}::uuid[]) AS run(id) CROSS JOIN LATERAL (
          SELECT item."runId", item.sequence, item.type, item.payload, item."createdAt" FROM "RunEvent" item
          WHERE item."runId" = run.id AND item.sequence > ${afterSequence}::int ORDER BY item.sequence LIMIT ${take}
        ) event`,
    );
    return rows.map((row) => parseRunEvent(row)).sort((a, b) => a.sequence - b.sequence);
  }
}

/** Sorting so many costs a few milliseconds. */
const FEW = 1_000;

const labelsOf = (filter: DistillationRunFilter | null): Prisma.Sql | null =>
  filter?.labels?.length ? Prisma.sql`item.labels @> ${filter.labels}::text[]` : null;

/** Null where no label is asked for. */
const labelledRuns = (projectId: string, filter: DistillationRunFilter | null): Prisma.Sql | null => {
  const labels = labelsOf(filter);
  return labels && allOf([ofProject(projectId), labels]);
};

const whereOf = (projectId: string, filter: DistillationRunFilter | null): Prisma.Sql =>
  allOf([
    ofProject(projectId),
    filter?.archived ? Prisma.sql`item."archivedAt" IS NOT NULL` : Prisma.sql`item."archivedAt" IS NULL`,
    filter?.states ? oneOf('state', filter.states, '"RunState"') : null,
    filter?.methods ? oneOf('method', filter.methods, '"Method"') : null,
    references('datasetId', 'Dataset', filter?.datasetId, 'datasetId'),
    references('poolId', 'TeacherPool', filter?.teacherPoolId, 'teacherPoolId'),
    labelsOf(filter),
    filter?.createdAfter ? Prisma.sql`item."createdAt" >= ${filter.createdAfter}::timestamptz` : null,
    filter?.createdBefore ? Prisma.sql`item."createdAt" < ${filter.createdBefore}::timestamptz` : null,
  ]);
