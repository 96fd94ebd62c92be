import type { Database } from '../platform/database/client.js';
import { countPendingMigrations } from '../platform/migrate/pending.js';
import type { ObjectStore } from '../platform/object-store/object-store.js';

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
