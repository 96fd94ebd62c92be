/**
 * Keyset paging on (column, id): a page begins where the last one ended, so rows that come or go in between shift nothing,
 * and equal values are told apart by the id. A row without a value, a run that has not begun, comes after all that have one.
 */
import { TeddyhubError } from '../../domain/errors.js';

export type Direction = 'ASC' | 'DESC';

/** A column that a list can be sorted by. Names come from this source alone, never from a request. */
export interface SortKey {
  column: string;
  type: 'timestamptz' | 'text' | 'int4' | 'float8';
  nullable?: true;
  description: string;
}

export interface PageArguments {
  first?: number | null;
  last?: number | null;
  after?: string | null;
  before?: string | null;
  orderBy?: { field: string; direction: Direction } | null;
}

/** What paging knows of a list: its name, and what it can be sorted by. The first of `sorts` is the default order. */
export interface Sortable {
  name: string;
  sorts: Readonly<Record<string, SortKey>>;
  direction: Direction;
}

type Value = Date | string | number | null;

export interface Position {
  value: Value;
  id: string;
}

/** What a repository is asked for. `take` rows and one more, which only tells whether there are more. */
export interface Window {
  /** Names the list and its order: a cursor is good for the sort that made it, and for no other. */
  sort: string;
  key: SortKey;
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
const CURSOR_VERSION = 2;

/** Checks the arguments of a connection. Throws INVALID_INPUT. */
export function readWindow({ name, sorts, direction: usual }: Sortable, page: PageArguments): Window {
  const { first, last } = page;
  if ((first == null) === (last == null)) {
    throw new TeddyhubError('INVALID_INPUT', 'Give either `first` or `last`, and not both.');
  }
  const take = first ?? last ?? 0;
  if (take < 1 || take > MAX_PAGE) {
    throw new TeddyhubError('INVALID_INPUT', `\`${first == null ? 'last' : 'first'}\` must be 1 to ${MAX_PAGE}.`);
  }
  const field = page.orderBy?.field ?? Object.keys(sorts)[0] ?? '';
  const key = sorts[field];
  if (key === undefined) throw new Error(`${name} cannot be sorted by ${field}`);
  const direction = page.orderBy?.direction ?? usual;
  const sort = `${name}:${field}:${direction}`;
  const position = (cursor: string | null | undefined) =>
    cursor == null ? undefined : decodeCursor(cursor, sort, key);
  return {
    sort,
    key,
    direction,
    backwards: last != null,
    take,
    after: position(page.after),
    before: position(page.before),
  };
}

const encodeCursor = ({ value, id }: Position, sort: string): string =>
  Buffer.from(JSON.stringify([CURSOR_VERSION, sort, value instanceof Date ? value.getTime() : value, id])).toString(
    'base64url',
  );

function decodeCursor(cursor: string, sort: string, key: SortKey): Position {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    parts = undefined;
  }
  const [version, cursorSort, stored, id] = Array.isArray(parts) ? (parts as unknown[]) : [];
  if (version !== CURSOR_VERSION || typeof id !== 'string' || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) {
    throw new TeddyhubError('INVALID_INPUT', 'The cursor is not one that this API gave out.');
  }
  if (cursorSort !== sort) {
    throw new TeddyhubError('INVALID_INPUT', 'The cursor belongs to another list or to another order.');
  }
  const value = readValue(stored, key);
  if (value === undefined) throw new TeddyhubError('INVALID_INPUT', 'The cursor is not one that this API gave out.');
  return { value, id };
}

/** Undefined for what no cursor of this key holds. */
function readValue(stored: unknown, { type, nullable }: SortKey): Value | undefined {
  if (stored === null) return nullable ? null : undefined;
  if (type === 'text') return typeof stored === 'string' && !stored.includes('\0') ? stored : undefined;
  if (typeof stored !== 'number') return undefined;
  if (type === 'float8') return stored;
  if (type === 'int4') return Number.isInteger(stored) && Math.abs(stored) < 2 ** 31 ? stored : undefined;
  return Math.abs(stored) <= 4e12 ? new Date(stored) : undefined;
}

/** A row and its place in the list, which is told only where it is asked for. */
class PageEdge<Row extends { id: string }> {
  constructor(
    readonly node: Row,
    private readonly window: Window,
  ) {}

  get cursor(): string {
    const value = (this.node as unknown as Record<string, Value>)[this.window.key.column] ?? null;
    return encodeCursor({ value, id: this.node.id }, this.window.sort);
  }
}

/** Makes a page of the rows that were read for `window`, in the order they were read. */
export function toPage<Row extends { id: string }>(window: Window, read: readonly Row[]): Page<Row> {
  const rows = read.slice(0, window.take);
  if (window.backwards) rows.reverse();
  const edges = rows.map((node) => new PageEdge(node, window));
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

/** How many entries of a list without cursors. Before any loader, which would fail for all who ask at once. Throws INVALID_INPUT. */
export function requireFirst(first: number, least: number): number {
  if (first >= least && first <= MAX_PAGE) return first;
  throw new TeddyhubError('INVALID_INPUT', `\`first\` must be ${least} to ${MAX_PAGE}.`);
}
