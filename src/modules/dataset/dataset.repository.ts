import type { Transaction } from '../../platform/database/client.js';
import type { Dataset, Prisma } from '../../platform/database/generated/client.js';
import type { Columns, ColumnsOf } from '../kit/columns.js';
import { type Connection, readConnection } from '../kit/connection.js';
import type { PageArguments } from '../kit/paging.js';
import { allOf, ofProject, oneOf, readByIds } from '../kit/window-sql.js';
import type { DatasetFilter } from './dataset.input.js';
import { type Dataset as DatasetObject, Datasets } from './dataset.type.js';

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
}

const whereOf = (projectId: string, filter: DatasetFilter | null): Prisma.Sql =>
  allOf([ofProject(projectId), filter?.states ? oneOf('state', filter.states, '"DatasetState"') : null]);
