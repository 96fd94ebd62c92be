import type { Transaction } from '../../platform/database/client.js';
import { type Dataset, Prisma } from '../../platform/database/generated/client.js';
import { readRows } from '../../platform/database/read.js';
import type { Columns, ColumnsOf } from '../kit/columns.js';
import { type Connection, readConnection } from '../kit/connection.js';
import type { PageArguments } from '../kit/paging.js';
import { allOf, identifier, ofProject, oneOf, readByIds } from '../kit/window-sql.js';
import type { DatasetFilter } from './dataset.input.js';
import { type Dataset as DatasetObject, Datasets } from './dataset.type.js';

/** The columns of what an import reports. */
export type Report = 'skippedRecords' | 'duplicates';

/** Datasets of one project: another project's do not exist here. */
export class DatasetRepository {
  constructor(private readonly database: Transaction) {}

  byIds(projectId: string, ids: readonly string[], columns?: Columns): Promise<Dataset[]> {
    return readByIds(this.database, 'Dataset', projectId, ids, columns);
  }

  list(
    projectId: string,
    filter: DatasetFilter | null,
    page: PageArguments,
    columns?: ColumnsOf,
  ): Promise<Connection<DatasetObject>> {
    return readConnection(this.database, Datasets, whereOf(projectId, filter), page, columns);
  }

  /** The first `first` records, at least 1, of a report of each. */
  reports(
    projectId: string,
    report: Report,
    ids: readonly string[],
    first: number,
  ): Promise<{ id: string; records: unknown }[]> {
    return readRows(
      this.database,
      Prisma.sql`SELECT item.id, jsonb_path_query_array(item.${identifier(report)}, '$[0 to $last]',
          jsonb_build_object('last', ${first - 1}::int)) AS records
        FROM "Dataset" item WHERE item.id = ANY(${[...ids]}::uuid[]) AND ${ofProject(projectId)}`,
    );
  }
}

const whereOf = (projectId: string, filter: DatasetFilter | null): Prisma.Sql =>
  allOf([ofProject(projectId), filter?.states ? oneOf('state', filter.states, '"DatasetState"') : null]);
