/** How far the database is behind this version, without Prisma's engine, so that it costs nothing to ask. */
import { readdir } from 'node:fs/promises';
import type { Database } from '../database/client.js';
import { migrationsFolder, PRISMA_FOLDER } from './files.js';

/** How many migrations of this version the database has not had. */
export async function countPendingMigrations(database: Database): Promise<number> {
  const entries = await readdir(migrationsFolder(PRISMA_FOLDER), { withFileTypes: true });
  const wanted = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const [table] = await database.$queryRaw<{ exists: boolean }[]>`
    SELECT to_regclass('"_prisma_migrations"') IS NOT NULL AS exists`;
  if (table?.exists !== true) return wanted.length;
  const rows = await database.$queryRaw<{ name: string }[]>`
    SELECT migration_name AS name FROM "_prisma_migrations" WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL`;
  const applied = new Set(rows.map((row) => row.name));
  return wanted.filter((name) => !applied.has(name)).length;
}
