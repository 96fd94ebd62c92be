/**
 * Keyset paging on (createdAt, id): a page begins where the last one ended, so rows that come or go in between shift
 * nothing, and equal timestamps are told apart by the id.
 */
import { TeddyhubError } from '../../domain/errors.js';

export type Direction = 'ASC' | 'DESC';

export interface PageArguments {
  first?: number | null;
  last?: number | null;
  after?: string | null;
  before?: string | null;
  orderBy?: { field: 'CREATED_AT'; direction: Direction } | null;
}

interface Position {
  createdAt: Date;
  id: string;
}

/** What a repository is asked for. `take` rows and one more, which only tells whether there are more. */
export interface Window {
  /** Names the list and its order: a cursor is good for the sort that made it, and for no other. */
  sort: string;
  direction: Direction;
  backwards: boolean;
  take: number;
  after: Position | undefined;
  before: Position | undefined;
}

export interface Page<Row> {
  edges: { cursor: string; node: Row }[];
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
}

export const MAX_PAGE = 100;
const CURSOR_VERSION = 1;

/** Checks the arguments of a connection of `type`. Throws INVALID_INPUT. */
export function readWindow(type: string, page: PageArguments): Window {
  const { first, last } = page;
  if ((first == null) === (last == null)) {
    throw new TeddyhubError('INVALID_INPUT', 'Give either `first` or `last`, and not both.');
  }
  const take = first ?? last ?? 0;
  if (take < 1 || take > MAX_PAGE) {
    throw new TeddyhubError('INVALID_INPUT', `\`${first == null ? 'last' : 'first'}\` must be 1 to ${MAX_PAGE}.`);
  }
  const direction = page.orderBy?.direction ?? 'DESC';
  const sort = `${type}:CREATED_AT:${direction}`;
  const position = (cursor: string | null | undefined) => (cursor == null ? undefined : decodeCursor(cursor, sort));
  return { sort, direction, backwards: last != null, take, after: position(page.after), before: position(page.before) };
}

const encodeCursor = (row: Position, sort: string): string =>
  Buffer.from(JSON.stringify([CURSOR_VERSION, sort, row.createdAt.getTime(), row.id])).toString('base64url');

function decodeCursor(cursor: string, sort: string): Position {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    parts = undefined;
  }
  const [version, cursorSort, time, id] = Array.isArray(parts) ? (parts as unknown[]) : [];
  if (version !== CURSOR_VERSION || typeof time !== 'number' || typeof id !== 'string' || !/^[0-9a-f-]{36}$/.test(id)) {
    throw new TeddyhubError('INVALID_INPUT', 'The cursor is not one that this API gave out.');
  }
  if (cursorSort !== sort) {
    throw new TeddyhubError('INVALID_INPUT', 'The cursor belongs to another list or to another order.');
  }
  return { createdAt: new Date(time), id };
}

type Order = 'asc' | 'desc';

/** The order in which the rows are read: the last ones of a list are the first ones of its reverse. */
export const readOrder = (window: Window): Order =>
  (window.direction === 'ASC') !== window.backwards ? 'asc' : 'desc';

/** The rows beyond the cursors, as conditions on (createdAt, id): `>` is later in time. */
export function readBounds(window: Window): { operator: '>' | '<'; position: Position }[] {
  const ascending = window.direction === 'ASC';
  return [
    ...(window.after ? [{ operator: ascending ? ('>' as const) : ('<' as const), position: window.after }] : []),
    ...(window.before ? [{ operator: ascending ? ('<' as const) : ('>' as const), position: window.before }] : []),
  ];
}

/** The part of a Prisma query that reads a window. The first condition of a bound lets the index begin at it. */
export function keyset(window: Window) {
  const order = readOrder(window);
  const bounds = readBounds(window).map(({ operator, position: { createdAt, id } }) =>
    operator === '>'
      ? { createdAt: { gte: createdAt }, OR: [{ createdAt: { gt: createdAt } }, { id: { gt: id } }] }
      : { createdAt: { lte: createdAt }, OR: [{ createdAt: { lt: createdAt } }, { id: { lt: id } }] },
  );
  return { where: { AND: bounds }, orderBy: [{ createdAt: order }, { id: order }], take: window.take + 1 };
}

/** Makes a page of the rows that were read for `window`, in the order they were read. */
export function toPage<Row extends Position>(window: Window, read: readonly Row[]): Page<Row> {
  const rows = read.slice(0, window.take);
  if (window.backwards) rows.reverse();
  const edges = rows.map((node) => ({ cursor: encodeCursor(node, window.sort), node }));
  const more = read.length > window.take;
  return {
    edges,
    pageInfo: {
      hasNextPage: window.backwards ? window.before !== undefined : more,
      hasPreviousPage: window.backwards ? more : window.after !== undefined,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}
