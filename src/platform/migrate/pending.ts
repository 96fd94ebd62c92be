/** How far database and version are apart, without Prisma's engine, so that it costs nothing to ask. */
import { readdir } from 'node:fs/promises';
import type { Database } from '../database/client.js';
import { migrationsFolder, PRISMA_FOLDER } from './files.js';

/** How many migrations of this version the database has not had. */
export async function countPendingMigrations(database: Database): Promise<number> {
  const [own, applied] = [await ownMigrations(), await appliedMigrations(database)];
  return own.filter((name) => !applied.includes(name)).length;
}

/** Whether the database has had migrations that this version does not know: its service is newer. */
export async function isOutdated(database: Database): Promise<boolean> {
  const [own, applied] = [await ownMigrations(), await appliedMigrations(database)];
  return applied.some((name) => !own.includes(name));
}

/** Whether the database has ever had a migration. */
export const isMigrated = async (database: Database): Promise<boolean> =>
  (await appliedMigrations(database)).length > 0;

async function ownMigrations(): Promise<string[]> {
  const entries = await readdir(migrationsFolder(PRISMA_FOLDER), { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

async function appliedMigrations(database: Database): Promise<string[]> {
  const [table] = await database.$queryRaw<{ exists: boolean }[]>`
    SELECT to_regclass('"_prisma_migrations"') IS NOT NULL AS exists`;
  if (table?.exists !== true) return [];
  const rows = await database.$queryRaw<{ name: string }[]>`
    SELECT migration_name AS name FROM "_prisma_migrations" WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL`;
  return rows.map(({ name }) => name);
}
