/** DataLoaders for the three kinds of relation: an object by its id, the rows of a parent, a page of the rows of a parent. */
import DataLoader from 'dataloader';
import type { Transaction } from '../../platform/database/client.js';
import { Prisma } from '../../platform/database/generated/client.js';
import { readRows } from '../../platform/database/read.js';
import type { Columns, ColumnsOf } from './columns.js';
import { type Connection, type List, partOf, toConnection } from './connection.js';
import { groupBy } from './group.js';
import type { DataOf, Node } from './node.js';
import { type PageArguments, readWindow, type Window } from './paging.js';
import { allOf, identifier, windowQuery } from './window-sql.js';

/** One statement for all ids asked for in a tick; null where there is no such row. */
export const byId = <Row extends { id: string }>(
  read: (ids: readonly string[]) => Promise<Row[]>,
): DataLoader<string, Row | null> =>
  new DataLoader(async (ids) => {
    const rows = new Map((await read(ids)).map((row) => [row.id, row]));
    return ids.map((id) => rows.get(id) ?? null);
  });

/** One statement for the rows of all parents asked for in a tick. Only for lists that are bounded by design. */
export const byParent = <Row>(
  read: (parentIds: readonly string[]) => Promise<Row[]>,
  parentOf: (row: Row) => string | null,
): DataLoader<string, Row[]> =>
  new DataLoader(async (parentIds) => {
    const rows = groupBy(await read(parentIds), parentOf);
    return parentIds.map((id) => rows.get(id) ?? []);
  });

/** The column of a list's table that points to the parent. */
type ParentColumn = 'datasetId' | 'poolId' | 'runId' | 'distilledSetId' | 'labelSetId' | 'originRunId';

export interface Children<N extends Node> {
  list: List<N>;
  /** What is read of a page. */
  columns: (window: Window) => Columns | undefined;
  page: DataLoader<{ parentId: string; window: Window }, DataOf<N>[], string>;
  count: DataLoader<string, number>;
}

/** Of lists that leave archived rows out. */
export const UNARCHIVED = Prisma.sql`item."archivedAt" IS NULL`;

/**
 * Pages of a relation: the same window of all parents is one statement, whatever their number. Parents were read within
 * the viewer's project, and their children belong to the same one.
 */
export function children<N extends Node>(
  database: Transaction,
  list: List<N>,
  column: ParentColumn,
  columnsOf: ColumnsOf,
  where: Prisma.Sql | null = null,
): Children<N> {
  const parent = identifier(column);
  return {
    list,
    columns: (window) => partOf(list, window, columnsOf)?.columns,
    page: new DataLoader(
      async (keys) => {
        const groups = [...groupBy(keys, (key) => JSON.stringify(key.window)).values()];
        const rows = new Map<string, DataOf<N>[]>();
        for (const group of groups) {
          const parentIds = group.map((key) => key.parentId);
          const found = await readPages(parentIds, group[0]!.window);
          for (const key of group) rows.set(cacheKey(key), found.get(key.parentId) ?? []);
        }
        return keys.map((key) => rows.get(cacheKey(key)) ?? []);
      },
      { cacheKeyFn: cacheKey },
    ),
    count: new DataLoader(async (parentIds) => {
      const counts = await readRows<{ parent: string; count: number }>(
        database,
        Prisma.sql`SELECT item.${parent}::text AS parent, count(*)::int AS count FROM ${identifier(list.table)} item
          WHERE ${allOf([Prisma.sql`item.${parent} = ANY(${parentIds}::uuid[])`, where])} GROUP BY 1`,
      );
      const found = new Map(counts.map((row) => [row.parent, row.count]));
      return parentIds.map((id) => found.get(id) ?? 0);
    }),
  };

  async function readPages(parentIds: string[], window: Window): Promise<Map<string, DataOf<N>[]>> {
    const ofParent = allOf([Prisma.sql`item.${parent} = parent.id`, where]);
    const page = windowQuery(partOf(list, window, columnsOf) ?? list, ofParent, window);
    const found = await readRows<DataOf<N> & { __parent: string }>(
      database,
      Prisma.sql`SELECT parent.id::text AS __parent, page.* FROM unnest(${parentIds}::uuid[]) AS parent(id)
        CROSS JOIN LATERAL (${page}) page`,
    );
    return groupBy(found, (row) => row.__parent);
  }
}

const cacheKey = (key: { parentId: string; window: Window }): string => `${key.parentId} ${JSON.stringify(key.window)}`;

/** The connection of a parent's field. Throws INVALID_INPUT. */
export async function nestedConnection<N extends Node>(
  { list, columns, page: pages, count }: Children<N>,
  parentId: string,
  page: PageArguments,
): Promise<Connection<N>> {
  const window = readWindow(list, page);
  const rows = await pages.load({ parentId, window });
  return toConnection(list, window, rows, columns(window), () => count.load(parentId));
}
