/** Relay's connections, once for every type. */
import { ArgsType, Field, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { Transaction } from '../../platform/database/client.js';
import type { Prisma } from '../../platform/database/generated/client.js';
import { Prisma as Sql } from '../../platform/database/generated/client.js';
import { readRows } from '../../platform/database/read.js';
import { type Columns, type ColumnsOf, Reads, wholeRows, withColumn } from './columns.js';
import { type DataOf, fromRow, type Node } from './node.js';
import {
  type Direction,
  MAX_PAGE,
  type PageArguments,
  readWindow,
  type Sortable,
  type SortKey,
  toPage,
  type Window,
} from './paging.js';
import { identifier, type Source, windowQuery } from './window-sql.js';

const OrderDirection = { ASC: 'ASC', DESC: 'DESC' } as const;
registerEnumType(OrderDirection, {
  name: 'OrderDirection',
  description: 'Which way a list is sorted.',
  valuesConfig: {
    ASC: { description: 'Smallest or oldest first; what has no value yet comes last.' },
    DESC: { description: 'Largest or newest first; what has no value yet comes first.' },
  },
});

/** Sort keys that many lists share. */
export const CREATED_AT: SortKey = {
  column: 'createdAt',
  type: 'timestamptz',
  description: 'When the object was made.',
};
export const NAME: SortKey = { column: 'name', type: 'text', description: 'Its name.' };

@ObjectType({ simpleResolvers: true, description: 'Where a page lies in its list.' })
export class PageInfo {
  @Field(() => Boolean)
  hasNextPage!: boolean;

  @Field(() => Boolean)
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true, description: 'Null on an empty page.' })
  startCursor!: string | null;

  @Field(() => String, { nullable: true, description: 'Null on an empty page.' })
  endCursor!: string | null;
}

export interface Connection<N> {
  edges: { cursor: string; node: N }[];
  nodes: N[];
  pageInfo: PageInfo;
  /** Runs only when `totalCount` is asked for. */
  count: () => Promise<number>;
}

/** The lists of one type: how they are read and sorted, and the GraphQL types of their pages and arguments. */
export interface List<N extends Node> extends Sortable, Source {
  type: new () => N;
  Connection: new () => Connection<N>;
  Arguments: new () => PageArguments;
}

/** Makes `<name>Connection`, `<name>Edge` and `<name>OrderBy`; once a type. */
export function defineList<N extends Node>(
  type: new () => N,
  source: Source & { sorts: Record<string, SortKey>; direction?: Direction },
): List<N> {
  const list: Sortable & Source = { direction: 'DESC', ...source, name: type.name };
  return { ...list, type, Connection: connectionType(type), Arguments: argumentsType(list) };
}

function argumentsType({ name, sorts, direction }: Sortable): new () => PageArguments {
  const fields = Object.keys(sorts);
  const OrderField = Object.fromEntries(fields.map((field) => [field, field]));
  registerEnumType(OrderField, {
    name: `${name}OrderField`,
    description: `What a list of ${name} objects is sorted by; equals are told apart by the id.`,
    valuesConfig: Object.fromEntries(fields.map((field) => [field, { description: sorts[field]!.description }])),
  });

  @InputType(`${name}OrderBy`, { description: `The order of a list of ${name} objects.` })
  class OrderBy {
    @Field(() => OrderField, { defaultValue: fields[0] })
    field!: string;

    @Field(() => OrderDirection, { defaultValue: direction })
    direction!: Direction;
  }

  @ArgsType()
  class Arguments implements PageArguments {
    @Field(() => Int, { nullable: true, description: `The first so many, 1 to ${MAX_PAGE}. Give this or \`last\`.` })
    first?: number | null;

    @Field(() => Int, { nullable: true, description: `The last so many, 1 to ${MAX_PAGE}. Give this or \`first\`.` })
    last?: number | null;

    @Field(() => String, { nullable: true, description: 'Only what comes after this cursor.' })
    after?: string | null;

    @Field(() => String, { nullable: true, description: 'Only what comes before this cursor.' })
    before?: string | null;

    @Field(() => OrderBy, { nullable: true, description: `Defaults to ${fields[0]}, ${direction}.` })
    orderBy?: OrderBy | null;
  }
  return Arguments;
}

function connectionType<N extends Node>(type: new () => N): new () => Connection<N> {
  const { name } = type;

  @ObjectType(`${name}Edge`, { description: `An edge of a list of ${name} objects.`, simpleResolvers: true })
  class EdgeType {
    @Field(() => String)
    cursor!: string;

    @Field(() => type)
    node!: N;
  }

  @ObjectType(`${name}Connection`, { description: `A page of a list of ${name} objects.`, simpleResolvers: true })
  class ConnectionType implements Connection<N> {
    @Field(() => [EdgeType])
    edges!: EdgeType[];

    @Field(() => [type], { description: 'The nodes of the edges.' })
    nodes!: N[];

    @Field(() => PageInfo)
    pageInfo!: PageInfo;

    count!: () => Promise<number>;

    @Reads()
    @Field(() => Int, { description: 'How many there are on all pages; counted only when asked for.', complexity: 10 })
    totalCount(): Promise<number> {
      return this.count();
    }
  }
  return ConnectionType;
}

/** The page of a root list: the rows that meet `where`, which calls the table `item`. Throws INVALID_INPUT. */
export async function readConnection<N extends Node>(
  database: Transaction,
  list: List<N>,
  where: Prisma.Sql,
  page: PageArguments,
  columnsOf: ColumnsOf = wholeRows,
): Promise<Connection<N>> {
  const window = readWindow(list, page);
  const part = partOf(list, window, columnsOf);
  const rows = await readRows<DataOf<N>>(database, windowQuery(part ?? list, where, window));
  return toConnection(list, window, rows, part?.columns, async () => {
    const [row] = await readRows<{ count: number }>(
      database,
      Sql.sql`SELECT count(*)::int AS count FROM ${identifier(list.table)} item WHERE ${where}`,
    );
    return row?.count ?? 0;
  });
}

/** What is read of a list for an operation, and for cursors; undefined where it is all. */
export function partOf(
  { table, within }: Source,
  { key }: Window,
  columnsOf: ColumnsOf,
): (Source & { columns: Columns }) | undefined {
  const columns = columnsOf(table);
  return columns && { table, columns: withColumn(columns, key.column), ...(within ? { within } : {}) };
}

/** A connection out of the rows that were read for `window`. */
export function toConnection<N extends Node>(
  { type }: { type: new () => N },
  window: Window,
  rows: readonly DataOf<N>[],
  columns: Columns | undefined,
  count: () => Promise<number>,
): Connection<N> {
  const { edges, pageInfo } = toPage(
    window,
    rows.map((row) => fromRow(type, row, columns)),
  );
  return { edges, nodes: edges.map((edge) => edge.node), pageInfo, count };
}

/** The cost of a page: as many children as it may hold. Given the real variables, so `first: $n` counts as n. */
export const pageComplexity = ({ args, childComplexity }: { args: PageArguments; childComplexity: number }): number =>
  1 + Math.max(1, args.first ?? args.last ?? 1) * childComplexity;

/** The cost of a bounded list whose usual length is known. */
export const listComplexity =
  (length: number) =>
  ({ childComplexity }: { childComplexity: number }): number =>
    1 + length * childComplexity;
