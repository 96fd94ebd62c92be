/**
 * Reads past Prisma's engine, over the same connections: a page of a list is a few statements written by hand, and what
 * the engine does to each of them and to every value of its rows costs more than the statements do.
 */
import pg from 'pg';
import type { Database, Transaction } from './client.js';
import type { Prisma } from './generated/client.js';

const pools = new WeakMap<object, pg.Pool>();

/** Lets `readRows` take connections of `pool` for this database. */
export const readThrough = (database: Database, pool: pg.Pool): void => void pools.set(database, pool);

/** As Prisma gives them: a bigint is no text. All others are as `pg` has them. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === pg.types.builtins.INT8 ? (text: string) => BigInt(text) : pg.types.getTypeParser(oid, format),
};

/** The rows of a statement. Within a transaction, where there is no pool, they come by Prisma, and are the same. */
export async function readRows<Row>(database: Transaction, sql: Prisma.Sql): Promise<Row[]> {
  const pool = pools.get(database);
  if (pool === undefined) return database.$queryRaw<Row[]>(sql);
  const { rows } = await pool.query({ text: sql.text, values: sql.values, types });
  return rows as Row[];
}
