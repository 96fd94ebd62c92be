/** A transaction of somebody else, in whose way the others are. */
import pg from 'pg';
import type { Database } from '../../src/platform/database/client.js';

/** Runs `work` while the statement's locks are held; what it changed is committed afterwards. */
export async function whileLocked<T>(databaseUrl: string, statement: string, work: () => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(`BEGIN; ${statement}`);
  try {
    return await work();
  } finally {
    await client.query('COMMIT');
    await client.end();
  }
}

export const lockTable = (table: string): string => `LOCK TABLE "${table}" IN ACCESS EXCLUSIVE MODE`;

/** How many statements wait for somebody's lock. */
export async function blocked(database: Database): Promise<number> {
  const [found] = await database.$queryRaw<{ count: bigint }[]>`SELECT count(*) FROM pg_locks WHERE NOT granted`;
  return Number(found?.count);
}
