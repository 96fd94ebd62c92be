import type { Transaction } from '../../platform/database/client.js';
import type {
  DistilledSet,
  DistilledShard,
  LabelFile,
  LabelSet,
  Prisma,
} from '../../platform/database/generated/client.js';
import type { Columns, ColumnsOf } from '../kit/columns.js';
import { type Connection, readConnection } from '../kit/connection.js';
import type { PageArguments } from '../kit/paging.js';
import { allOf, ofProject, oneOf, readByIds } from '../kit/window-sql.js';
import type { DistilledSetFilter } from './distilled-set.input.js';
import { type DistilledSet as DistilledSetObject, DistilledSets } from './distilled-set.type.js';

/** Sets of one project: another project's do not exist here. */
export class DistilledSetRepository {
  constructor(private readonly database: Transaction) {}

  byIds(projectId: string, ids: readonly string[], columns?: Columns): Promise<DistilledSet[]> {
    return readByIds(this.database, 'DistilledSet', projectId, ids, columns);
  }

  ofRuns(projectId: string, runIds: readonly string[]): Promise<DistilledSet[]> {
    return this.database.distilledSet.findMany({ where: { projectId, runId: { in: [...runIds] } } });
  }

  list(
    projectId: string,
    filter: DistilledSetFilter | null,
    page: PageArguments,
    columns?: ColumnsOf,
  ): Promise<Connection<DistilledSetObject>> {
    return readConnection(this.database, DistilledSets, whereOf(projectId, filter), page, columns);
  }

  shardsOfSets(projectId: string, setIds: readonly string[]): Promise<DistilledShard[]> {
    const where = { distilledSet: { projectId }, distilledSetId: { in: [...setIds] } };
    return this.database.distilledShard.findMany({ where, orderBy: { index: 'asc' } });
  }

  shardsByIds(projectId: string, ids: readonly string[]): Promise<DistilledShard[]> {
    return this.database.distilledShard.findMany({ where: { distilledSet: { projectId }, id: { in: [...ids] } } });
  }

  /** At most one a mode. */
  labelSetsOfSets(projectId: string, setIds: readonly string[]): Promise<LabelSet[]> {
    const where = { distilledSet: { projectId }, distilledSetId: { in: [...setIds] } };
    return this.database.labelSet.findMany({ where, orderBy: { mode: 'asc' } });
  }

  labelSetsByIds(projectId: string, ids: readonly string[]): Promise<LabelSet[]> {
    return this.database.labelSet.findMany({ where: { distilledSet: { projectId }, id: { in: [...ids] } } });
  }

  labelFilesOfSets(projectId: string, setIds: readonly string[]): Promise<LabelFile[]> {
    const where = { labelSet: { distilledSet: { projectId }, distilledSetId: { in: [...setIds] } } };
    return this.database.labelFile.findMany({ where, orderBy: { index: 'asc' } });
  }

  labelFilesByIds(projectId: string, ids: readonly string[]): Promise<LabelFile[]> {
    return this.database.labelFile.findMany({
      where: { labelSet: { distilledSet: { projectId } }, id: { in: [...ids] } },
    });
  }
}

const whereOf = (projectId: string, filter: DistilledSetFilter | null): Prisma.Sql =>
  allOf([ofProject(projectId), filter?.states ? oneOf('state', filter.states, '"DistilledSetState"') : null]);
