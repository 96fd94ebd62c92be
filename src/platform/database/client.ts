/** The one place that opens a Prisma client. */
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from './generated/client.js';
import { readThrough } from './read.js';
import { createTracedPool } from './traced-pool.js';

export type Database = PrismaClient;
/** What a function needs that runs inside somebody's transaction, or outside of any. */
export type Transaction = Omit<PrismaClient, '$connect' | '$disconnect' | '$on' | '$transaction' | '$extends'>;

/** A transaction in which nothing happens for so long belongs to nobody any more, and holds its locks. */
const IDLE_IN_TRANSACTION_MS = 60_000;

/** `poolSize` connections, which the server sees as `name`; a statement is given up after `statementTimeoutMs` by the server, and after `answerMs` here, with its connection (0: never). */
export function openDatabase(
  url: string,
  options: { poolSize?: number; statementTimeoutMs?: number; answerMs?: number; name?: string } = {},
): Database {
  const pool = createTracedPool({
    connectionString: url,
    max: options.poolSize ?? 10,
    connectionTimeoutMillis: 5_000,
    statement_timeout: options.statementTimeoutMs ?? 0,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    answerMs: options.answerMs ?? 0,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    ...(options.name ? { application_name: options.name } : {}),
  });
  const adapter = new PrismaPg(pool, { disposeExternalPool: true });
  const database = new PrismaClient({ adapter });
  readThrough(database, pool);
  return database;
}
