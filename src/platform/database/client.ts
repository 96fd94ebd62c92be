/** The one place that opens a Prisma client. */
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from './generated/client.js';

export type Database = PrismaClient;
/** What a function needs that runs inside somebody's transaction, or outside of any. */
export type Transaction = Omit<PrismaClient, '$connect' | '$disconnect' | '$on' | '$transaction' | '$extends'>;

/** `poolSize` connections; a statement is given up after `statementTimeoutMs` (0: never). */
export function openDatabase(url: string, options: { poolSize?: number; statementTimeoutMs?: number } = {}): Database {
  const adapter = new PrismaPg({
    connectionString: url,
    max: options.poolSize ?? 10,
    connectionTimeoutMillis: 5_000,
    statement_timeout: options.statementTimeoutMs ?? 0,
  });
  return new PrismaClient({ adapter });
}
