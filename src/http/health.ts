import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Database } from '../platform/database/client.js';
import type { ObjectStore } from '../platform/object-store/object-store.js';

const MIGRATIONS = fileURLToPath(new URL('../../../prisma/migrations', import.meta.url));
const PATIENCE_MS = 3_000;

export interface Readiness {
  ready: boolean;
  checks: Record<'database' | 'migrations' | 'objectStore', string>;
}

/** Whether requests can be served now: the database answers, is migrated, and the store answers. */
export async function checkReadiness(database: Database, store: ObjectStore): Promise<Readiness> {
  const verdict = async (check: Promise<string>) => {
    const late = new Promise<string>((resolve) => setTimeout(resolve, PATIENCE_MS, 'does not answer').unref());
    return Promise.race([check.catch(() => 'does not answer'), late]);
  };
  const [databaseState, migrations, objectStore] = await Promise.all([
    verdict(database.$queryRaw`SELECT 1`.then(() => 'ok')),
    verdict(checkMigrations(database)),
    verdict(store.stat('readiness').then(() => 'ok')),
  ]);
  const checks = { database: databaseState, migrations, objectStore };
  return { ready: Object.values(checks).every((state) => state === 'ok'), checks };
}

async function checkMigrations(database: Database): Promise<string> {
  const pending = await countPendingMigrations(database);
  return pending === 0 ? 'ok' : `${pending} to be deployed`;
}

/** How many migrations of this version the database has not had; without Prisma's engine, so that it costs nothing to ask. */
export async function countPendingMigrations(database: Database): Promise<number> {
  const entries = await readdir(MIGRATIONS, { withFileTypes: true });
  const wanted = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const [table] = await database.$queryRaw<{ exists: boolean }[]>`
    SELECT to_regclass('"_prisma_migrations"') IS NOT NULL AS exists`;
  if (table?.exists !== true) return wanted.length;
  const rows = await database.$queryRaw<{ name: string }[]>`
    SELECT migration_name AS name FROM "_prisma_migrations" WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL`;
  const applied = new Set(rows.map((row) => row.name));
  return wanted.filter((name) => !applied.has(name)).length;
}
