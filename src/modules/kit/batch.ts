/** DataLoaders for the three kinds of relation: an object by its id, the rows of a parent, a page of the rows of a parent. */
import DataLoader from 'dataloader';
import type { Transaction } from '../../platform/database/client.js';
import { Prisma } from '../../platform/database/generated/client.js';
import { type Connection, toConnection } from './connection.js';
import { groupBy } from './group.js';
import type { DataOf, Node } from './node.js';
import { type PageArguments, readBounds, readOrder, readWindow, type Window } from './paging.js';

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

/** A table and the column that points to the parent. Names come from this source alone, never from a request. */
export interface Relation {
  table: 'Task' | 'Teacher' | 'TeacherPool' | 'DistillationRun' | 'Evaluation';
  parent: 'datasetId' | 'poolId' | 'runId' | 'distilledSetId';
}

const identifier = (name: string) => Prisma.raw(`"${name}"`);

export interface Children<Row> {
  page: DataLoader<{ parentId: string; window: Window }, Row[], string>;
  count: DataLoader<string, number>;
}

/**
 * Pages of a relation: the same window of all parents is one statement, whatever their number. Parents were read within
 * the viewer's project, and their children belong to the same one.
 */
export function children<Row>(database: Transaction, relation: Relation): Children<Row> {
  const table = identifier(relation.table);
  const parent = identifier(relation.parent);
  return {
    page: new DataLoader(
      async (keys) => {
        const groups = [...groupBy(keys, (key) => JSON.stringify(key.window)).values()];
        const rows = new Map<string, Row[]>();
        for (const group of groups) {
          const window = group[0]!.window;
          const found = await readPages<Row>(
            group.map((key) => key.parentId),
            window,
          );
          for (const key of group) rows.set(cacheKey(key), found.get(key.parentId) ?? []);
        }
        return keys.map((key) => rows.get(cacheKey(key)) ?? []);
      },
      { cacheKeyFn: cacheKey },
    ),
    count: new DataLoader(async (parentIds) => {
      const counts = await database.$queryRaw<{ parent: string; count: number }[]>`
        SELECT ${parent}::text AS parent, count(*)::int AS count FROM ${table}
        WHERE ${parent} = ANY(${parentIds}::uuid[]) GROUP BY 1`;
      const found = new Map(counts.map((row) => [row.parent, row.count]));
      return parentIds.map((id) => found.get(id) ?? 0);
    }),
  };

  async function readPages<R>(parentIds: string[], window: Window): Promise<Map<string, R[]>> {
    const order = Prisma.raw(readOrder(window));
    const bounds = readBounds(window).map(
      ({ operator, position }) =>
        Prisma.sql`AND (child."createdAt", child.id) ${Prisma.raw(operator)} (${position.createdAt}, ${position.id}::uuid)`,
    );
    const found = await database.$queryRaw<(R & { __parent: string })[]>`
      SELECT parent.id::text AS __parent, page.* FROM unnest(${parentIds}::uuid[]) AS parent(id)
      CROSS JOIN LATERAL (
        SELECT child.* FROM ${table} child
        WHERE child.${parent} = parent.id
          ${bounds.length > 0 ? Prisma.join(bounds, ' ') : Prisma.empty}
        ORDER BY child."createdAt" ${order}, child.id ${order} LIMIT ${window.take + 1}
      ) page`;
    return groupBy(found, (row) => row.__parent);
  }
}

const cacheKey = (key: { parentId: string; window: Window }): string => `${key.parentId} ${JSON.stringify(key.window)}`;

/** The connection of a parent's field. */
export async function nestedConnection<N extends Node & { createdAt: Date }>(
  type: new () => N,
  relation: Children<DataOf<N>>,
  parentId: string,
  page: PageArguments,
): Promise<Connection<N>> {
  const window = readWindow(type.name, page);
  const rows = await relation.page.load({ parentId, window });
  return toConnection(type, window, rows, () => relation.count.load(parentId));
}
