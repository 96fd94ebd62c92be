/**
 * Reads past Prisma's engine, over the same connections: a page of a list is a few statements written by hand, and what
 * the engine does to each of them and to every value of its rows costs more than the statements do.
 */
import type { Socket } from 'node:net';
import pg from 'pg';
import { currentTrace, type RequestTrace } from '../telemetry/request-trace.js';
import type { Database, Transaction } from './client.js';
import type { Prisma } from './generated/client.js';
import { withClient } from './traced-pool.js';

const pools = new WeakMap<object, pg.Pool>();

/** Lets `readRows` take connections of `pool` for this database. */
export const readThrough = (database: Database, pool: pg.Pool): void => void pools.set(database, pool);

/**
 * Statements that a connection has prepared are neither parsed nor planned anew: for a page of runs that is most of what the
 * server does. Their texts come from this source alone, with the values apart, but selections, filters and orders make many of
 * them, and each keeps memory on the server: so many get a name, and only those that come again.
 */
const NAMES = 300;
const USES = 3;
const REMEMBERED = 2_000;
const names = new Map<string, string>();
const uses = new Map<string, number>();

function nameOf(text: string): string | undefined {
  const known = names.get(text);
  if (known !== undefined || names.size >= NAMES) return known;
  const times = (uses.get(text) ?? 0) + 1;
  if (times < USES) {
    if (uses.size >= REMEMBERED) uses.clear();
    uses.set(text, times);
    return undefined;
  }
  uses.delete(text);
  const name = `read_${names.size}`;
  names.set(text, name);
  return name;
}

const { INT8, TIMESTAMPTZ } = pg.types.builtins;

const toDate = pg.types.getTypeParser(TIMESTAMPTZ) as (text: string) => Date;

/** In UTC, as the service has its sessions, it is but for a letter what the engine itself reads, and reads fast. */
const readDate = (text: string): Date => {
  const isUtc = text.endsWith('+00') && text.charCodeAt(4) === DASH && text.charCodeAt(10) === SPACE;
  return isUtc ? new Date(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`) : toDate(text);
};
const DASH = '-'.charCodeAt(0);
const SPACE = ' '.charCodeAt(0);

/** As Prisma gives them: a bigint is no text. All others are as `pg` has them. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => {
    if (oid === INT8) return (text: string) => BigInt(text);
    return oid === TIMESTAMPTZ ? readDate : pg.types.getTypeParser(oid, format);
  },
};

/** The rows of a statement. Within a transaction, where there is no pool, they come by Prisma, and are the same. */
export async function readRows<Row>(database: Transaction, sql: Prisma.Sql): Promise<Row[]> {
  const pool = pools.get(database);
  if (pool === undefined) return database.$queryRaw<Row[]>(sql);
  const { text, values } = sql;
  const name = nameOf(text);
  const { rows } = await together(pool, { ...(name ? { name } : {}), text, values, types });
  return rows as Row[];
}

interface Group {
  pool: pg.Pool;
  trace: RequestTrace | undefined;
  statements: { config: pg.QueryConfig; settle: (result: Promise<pg.QueryResult>) => void }[];
}

let forming: Group | undefined;

/**
 * What a request reads at the same moment, for the relations of a page, goes over one connection in one packet: statements
 * that small cost the server less than waking a process for each.
 */
function together(pool: pg.Pool, config: pg.QueryConfig): Promise<pg.QueryResult> {
  const trace = currentTrace();
  if (forming === undefined || forming.pool !== pool || forming.trace !== trace) {
    const group: Group = { pool, trace, statements: [] };
    forming = group;
    queueMicrotask(() => {
      if (forming === group) forming = undefined;
      void send(group);
    });
  }
  const { statements } = forming;
  return new Promise((settle) => statements.push({ config, settle }));
}

async function send({ pool, statements }: Group): Promise<void> {
  let sent: Promise<pg.QueryResult>[] | undefined;
  try {
    await withClient(pool, async (client) => {
      const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
      stream.cork();
      sent = statements.map(({ config }) => client.query(config));
      stream.uncork();
      for (const [index, { settle }] of statements.entries()) settle(sent[index]!);
      const failed = (await Promise.allSettled(sent)).find((result) => result.status === 'rejected');
      // To whoever lent the connection.
      if (failed) throw failed.reason;
    });
  } catch (error) {
    // What was sent has told its failure itself; without a connection nothing was.
    if (sent === undefined) for (const { settle } of statements) settle(Promise.reject(error));
  }
}
