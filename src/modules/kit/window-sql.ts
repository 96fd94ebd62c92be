/** The SQL of a page: what an index on (..., column, id) answers without looking at what lies outside of it. */
import type { Transaction } from '../../platform/database/client.js';
import { Prisma } from '../../platform/database/generated/client.js';
import { readRows } from '../../platform/database/read.js';
import { type Columns, columnsOfTable } from './columns.js';
import { type NodeType, requireUuid } from './node.js';
import type { Position, Window } from './paging.js';

/** A table and what of it is read. Names come from this source alone, never from a request. */
export interface Source {
  table: NodeType;
  /** All of them by default. */
  columns?: Columns;
  /** Rows that are collected first, and then sorted: a condition on `item` that few of them meet. */
  within?: Prisma.Sql | null;
}

export const identifier = (name: string): Prisma.Sql => Prisma.raw(`"${name}"`);

/** They are named one by one: a statement that is prepared with `*` breaks when a migration adds a column. */
const listOf = (columns: Columns): Prisma.Sql => Prisma.raw(columns.map((name) => `item."${name}"`).join(','));

/** Conditions that all hold; with none, TRUE. */
export const allOf = (conditions: readonly (Prisma.Sql | null)[]): Prisma.Sql => {
  const given = conditions.filter((condition) => condition !== null);
  return given.length === 0 ? Prisma.sql`TRUE` : Prisma.join([...given], ' AND ');
};

/** A column is one of some values. A single one is compared by itself: then an index keeps the order of what follows. */
export const oneOf = (column: string, values: readonly string[], type: string): Prisma.Sql =>
  values.length === 1
    ? Prisma.sql`item.${identifier(column)} = ${values[0]}::${Prisma.raw(type)}`
    : Prisma.sql`item.${identifier(column)} = ANY(${values}::${Prisma.raw(type)}[])`;

/** Whose `column` names this object; null, no condition, where none is asked for. Throws NOT_FOUND. */
export const references = (column: string, type: NodeType, globalId: string | null | undefined, field: string) =>
  globalId == null
    ? null
    : Prisma.sql`item.${identifier(column)} = ${requireUuid(type, globalId, ['filter', field])}::uuid`;

/** The rows of a project. */
export const ofProject = (projectId: string): Prisma.Sql => Prisma.sql`item."projectId" = ${projectId}::uuid`;

/** The rows of a project's table by their ids, in no order. */
export const readByIds = <Row>(
  database: Transaction,
  table: 'Dataset' | 'TeacherPool' | 'DistillationRun' | 'DistilledSet' | 'Evaluation',
  projectId: string,
  ids: readonly string[],
  columns?: Columns,
): Promise<Row[]> =>
  readRows(
    database,
    Prisma.sql`SELECT ${listOf(columns ?? columnsOfTable(table))} FROM ${identifier(table)} item
      WHERE item.id = ANY(${[...ids]}::uuid[]) AND ${ofProject(projectId)}`,
  );

/** Reads the rows of `window` that meet `where`, which calls the table `item`. One row more than the page, if there is one. */
export function windowQuery(source: Source, where: Prisma.Sql, window: Window): Prisma.Sql {
  const { table, within } = source;
  if (!within) return sortedQuery(source, identifier(table), where, window);
  return Prisma.sql`WITH part AS MATERIALIZED (SELECT item.* FROM ${identifier(table)} item WHERE ${within})
    ${sortedQuery(source, identifier('part'), where, window)}`;
}

function sortedQuery(source: Source, table: Prisma.Sql, where: Prisma.Sql, window: Window): Prisma.Sql {
  const { key, take } = window;
  const column = identifier(key.column);
  // The last rows of a list are the first ones of its reverse.
  const order = Prisma.raw((window.direction === 'ASC') !== window.backwards ? 'ASC' : 'DESC');
  const sorted = Prisma.sql`ORDER BY item.${column} ${order}, item.id ${order} LIMIT ${take + 1}`;
  const columns = listOf(source.columns ?? columnsOfTable(source.table));
  const parts = partsOf(window).map(
    (conditions) => Prisma.sql`SELECT ${columns} FROM ${table} item
      WHERE ${allOf([where, ...conditions])} ${sorted}`,
  );
  const [only, ...others] = parts;
  if (only === undefined) return Prisma.sql`SELECT ${columns} FROM ${table} item WHERE FALSE`;
  if (others.length === 0) return only;
  const union = Prisma.join(
    parts.map((part) => Prisma.sql`(${part})`),
    ' UNION ALL ',
  );
  return Prisma.sql`SELECT item.* FROM (${union}) item ${sorted}`;
}

/**
 * The conditions of a window, in one part, or in two where a cursor meets a column that may be null: rows with a value and
 * rows without, for no single range of the index holds both. `>` means later in ascending order, where null comes last.
 */
function partsOf(window: Window): Prisma.Sql[][] {
  const ascending = window.direction === 'ASC';
  const bounds: { operator: '>' | '<'; position: Position }[] = [
    ...(window.after ? [{ operator: ascending ? ('>' as const) : ('<' as const), position: window.after }] : []),
    ...(window.before ? [{ operator: ascending ? ('<' as const) : ('>' as const), position: window.before }] : []),
  ];
  if (bounds.length === 0) return [[]];
  const column = identifier(window.key.column);
  const type = Prisma.raw(window.key.type);
  const beyond = (operator: '>' | '<', { value, id }: Position) =>
    Prisma.sql`(item.${column}, item.id) ${Prisma.raw(operator)} (${value}::${type}, ${id}::uuid)`;
  if (!window.key.nullable) return [bounds.map(({ operator, position }) => beyond(operator, position))];

  const withValue: Prisma.Sql[] = [Prisma.sql`item.${column} IS NOT NULL`];
  const without: Prisma.Sql[] = [Prisma.sql`item.${column} IS NULL`];
  const empty = new Set<Prisma.Sql[]>();
  for (const { operator, position } of bounds) {
    const isNull = position.value === null;
    if (!isNull) withValue.push(beyond(operator, position));
    else if (operator === '>') empty.add(withValue);
    if (isNull) without.push(Prisma.sql`item.id ${Prisma.raw(operator)} ${position.id}::uuid`);
    else if (operator === '<') empty.add(without);
  }
  return [withValue, without].filter((part) => !empty.has(part));
}
