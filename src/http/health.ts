import type { Database } from '../platform/database/client.js';
import { hindranceOf } from '../platform/database/failures.js';
import { countPendingMigrations } from '../platform/migrate/pending.js';
import type { ObjectStore } from '../platform/object-store/object-store.js';

const PATIENCE_MS = 3_000;

export interface Readiness {
  ready: boolean;
  checks: Record<'database' | 'migrations' | 'objectStore', string>;
}

/** Whether requests can be served now: the database answers and takes writes, is migrated, and the store answers. */
export async function checkReadiness(database: Database, store: ObjectStore): Promise<Readiness> {
  const verdict = async (check: Promise<string>) => {
    const late = new Promise<string>((resolve) => setTimeout(resolve, PATIENCE_MS, 'does not answer').unref());
    const refused = (error: unknown) => hindranceOf(error)?.message ?? 'does not answer';
    return Promise.race([check.catch(refused), late]);
  };
  const [databaseState, migrations, objectStore] = await Promise.all([
    verdict(checkWritable(database)),
    verdict(checkMigrations(database)),
    verdict(store.stat('readiness').then(() => 'ok')),
  ]);
  const checks = { database: databaseState, migrations, objectStore };
  return { ready: Object.values(checks).every((state) => state === 'ok'), checks };
}

/**
 * Fails as a write does where the server only reads: its connection goes with that, and behind an address that has moved to another
 * primary the next look finds it, though nobody writes to a service that is not ready.
 */
async function checkWritable(database: Database): Promise<string> {
  await database.$executeRaw`DO $$ BEGIN
    IF current_setting('transaction_read_only')::boolean THEN RAISE EXCEPTION USING ERRCODE = 'read_only_sql_transaction'; END IF;
  END $$`;
  return 'ok';
}

async function checkMigrations(database: Database): Promise<string> {
  const pending = await countPendingMigrations(database);
  return pending === 0 ? 'ok' : `${pending} to be deployed`;
}
