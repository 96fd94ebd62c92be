import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TeddyhubError } from '../../domain/errors.js';
import type { Config } from '../../platform/config/env.js';
import { readConfig } from '../../platform/config/env.js';
import { type Database, openDatabase } from '../../platform/database/client.js';
import { addressOf, explainDatabase } from '../../platform/database/failures.js';
import { startEmbeddedStack } from '../../platform/embedded/stack.js';
import { deployMigrations } from '../../platform/migrate/migrations.js';
import { countPendingMigrations, isMigrated } from '../../platform/migrate/pending.js';

/** Opens the database of the configuration; the embedded one is started for as long as it takes, or joined. Throws INVALID_STATE where there is none. */
export async function withDatabase<T>(work: (database: Database, config: Config) => Promise<T>): Promise<T> {
  const config = readConfig(process.env, process.cwd());
  if (config.databaseUrl === undefined && !existsSync(join(config.stateDir, 'postgres'))) {
    throw new TeddyhubError(
      'INVALID_STATE',
      `There is no Teddyhub in ${config.stateDir}: set DATABASE_URL or TEDDYHUB_STATE_DIR, or start one with teddyhub up.`,
    );
  }
  const stack = config.databaseUrl === undefined ? await startEmbeddedStack({ stateDir: config.stateDir }) : undefined;
  const databaseUrl = config.databaseUrl ?? stack?.databaseUrl ?? '';
  const database = openDatabase(databaseUrl, { poolSize: 1 });
  try {
    const pending = await countPendingMigrations(database);
    if (pending > 0) {
      const isNobodys = stack?.isJoined === false || !(await isMigrated(database));
      if (!isNobodys) throw lacks(pending, config);
      await deployMigrations(databaseUrl);
    }
    return await work(database, config);
  } catch (error) {
    throw explainDatabase(error, databaseUrl);
  } finally {
    await database.$disconnect();
    await stack?.stop();
  }
}

/** An older service may be at work on it, and an upgrade stops that first: docs/architecture.md. */
function lacks(pending: number, { databaseUrl, stateDir }: Config): TeddyhubError {
  const [which, todo] =
    databaseUrl === undefined
      ? [`The embedded database of ${stateDir}`, 'stop the teddyhub up that uses it, then start it again']
      : [addressOf(databaseUrl), 'stop its workers and API, then run node scripts/migrate.mjs deploy'];
  const what = pending === 1 ? 'a migration' : `${pending} migrations`;
  return new TeddyhubError('INVALID_STATE', `${which} lacks ${what} of this version: ${todo}.`);
}
