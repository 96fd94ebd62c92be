/** A worker and its database are of one version: statements on columns that are not there yet would fail the tasks. */
import { setTimeout as wait } from 'node:timers/promises';
import { TeddyhubError } from '../src/domain/errors.js';
import type { Database } from '../src/platform/database/client.js';
import type { Log } from '../src/platform/log.js';
import { countPendingMigrations } from '../src/platform/migrate/pending.js';
import { insist } from './insist.js';

const LOOK_MS = 1_000;

/**
 * Waits until the database has had every migration of this version, which may be under way. Throws INVALID_STATE with one line where it
 * still lacks some when `patience` aborts.
 */
export async function untilMigrated(database: Database, log: Log, patience: AbortSignal): Promise<void> {
  for (let looks = 0; ; looks++) {
    const pending = await insist(() => countPendingMigrations(database), log, patience);
    if (pending === 0) return;
    const problem = `The database lacks ${pending} migration${pending === 1 ? '' : 's'} of this version`;
    if (patience.aborted) {
      throw new TeddyhubError('INVALID_STATE', `${problem}: run \`node scripts/migrate.mjs deploy\`.`);
    }
    if (looks === 0) log.warn(`${problem}, waiting for them`);
    await wait(LOOK_MS, undefined, { signal: patience }).catch(() => undefined);
  }
}
