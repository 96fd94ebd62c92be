/** Relay's connections, once for every type. */
import { ArgsType, Field, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { type DataOf, fromRow, type Node } from './node.js';
import { type Direction, MAX_PAGE, type PageArguments, toPage, type Window } from './paging.js';

const OrderField = { CREATED_AT: 'CREATED_AT' } as const;
const OrderDirection = { ASC: 'ASC', DESC: 'DESC' } as const;

registerEnumType(OrderField, {
  name: 'OrderField',
  description: 'What a list is sorted by.',
  valuesConfig: { CREATED_AT: { description: 'When the object was made; equal times are told apart by the id.' } },
});
registerEnumType(OrderDirection, {
  name: 'OrderDirection',
  description: 'Which way a list is sorted.',
  valuesConfig: { ASC: { description: 'Oldest first.' }, DESC: { description: 'Newest first.' } },
});

@InputType({ description: 'The order of a list.' })
export class OrderBy {
  @Field(() => OrderField, { defaultValue: 'CREATED_AT' })
  field!: 'CREATED_AT';

  @Field(() => OrderDirection, { defaultValue: 'DESC' })
  direction!: Direction;
}

@ArgsType()
export class ConnectionArgs implements PageArguments {
  @Field(() => Int, { nullable: true, description: `The first so many, 1 to ${MAX_PAGE}. Give this or \`last\`.` })
  first?: number | null;

  @Field(() => Int, { nullable: true, description: `The last so many, 1 to ${MAX_PAGE}. Give this or \`first\`.` })
  last?: number | null;

  @Field(() => String, { nullable: true, description: 'Only what comes after this cursor.' })
  after?: string | null;

  @Field(() => String, { nullable: true, description: 'Only what comes before this cursor.' })
  before?: string | null;

  @Field(() => OrderBy, { nullable: true, description: 'Newest first, unless said.' })
  orderBy?: OrderBy | null;
}

@ObjectType({ description: 'Where a page lies in its list.' })
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

/** The object types `<name>Connection` and `<name>Edge`; call it once a type, and use the result as a field's type. */
export function connectionType<N extends Node>(type: new () => N): new () => Connection<N> {
  const { name } = type;

  @ObjectType(`${name}Edge`, { description: `A ${name} and its place in the list.` })
  class EdgeType {
    @Field(() => String)
    cursor!: string;

    @Field(() => type)
    node!: N;
  }

  @ObjectType(`${name}Connection`, { description: `A page of a list of ${name} objects.` })
  class ConnectionType implements Connection<N> {
    @Field(() => [EdgeType])
    edges!: EdgeType[];

    @Field(() => [type], { description: 'The nodes of the edges.' })
    nodes!: N[];

    @Field(() => PageInfo)
    pageInfo!: PageInfo;

    count!: () => Promise<number>;

    @Field(() => Int, { description: 'How many there are on all pages; counted only when asked for.', complexity: 10 })
    totalCount(): Promise<number> {
      return this.count();
    }
  }
  return ConnectionType;
}

/** A connection out of the rows that were read for `window`. */
export function toConnection<N extends Node & { createdAt: Date }>(
  type: new () => N,
  window: Window,
  rows: readonly DataOf<N>[],
  count: () => Promise<number>,
): Connection<N> {
  const { edges, pageInfo } = toPage(
    window,
    rows.map((row) => fromRow(type, row)),
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
