/**
 * Migrations of the database, by Prisma's own engine and in its own table `_prisma_migrations`, so that the ordinary
 * `prisma migrate deploy` can take over at any time. `prismaFolder` defaults to the project's prisma/.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TeddyhubError } from '../../domain/errors.js';
import { once } from './adapter.js';
import { withEngine } from './engine.js';
import { LOCKFILE, migrationsFolder, PRISMA_FOLDER, readMigrations, readSchema } from './files.js';

export interface MigrationStatus {
  /** In the folder, not yet in the database. */
  pending: string[];
  /** Began and did not finish; they block a deploy until they are resolved. */
  failed: string[];
  /** Applied with other content than the folder has now. */
  edited: string[];
  /** In the database, not in the folder. */
  unknown: string[];
}

const EVERYTHING = { externalTables: [], externalEnums: [] };

/**
 * Applies what is pending, each migration in a transaction of its own; safe to call from several processes at once.
 * Returns the names it applied. Throws one line for a dead or missing database and for a failed migration.
 */
export async function deployMigrations(databaseUrl: string, prismaFolder = PRISMA_FOLDER): Promise<string[]> {
  await forgetInterrupted(databaseUrl);
  return withEngine(databaseUrl, async (engine) => {
    const migrationsList = readMigrations(prismaFolder);
    const { appliedMigrationNames } = await engine.applyMigrations({ migrationsList, filters: EVERYTHING });
    return appliedMigrationNames;
  });
}

/** The engine's lock, which it holds for as long as it applies migrations. */
const ENGINE_LOCK = 72_707_369;

/**
 * Marks migrations as rolled back that began, and neither ended nor failed: whoever applied them died, and PostgreSQL took back what
 * was done, as a row is ended in the transaction of its migration. (Prisma's own command ends it afterwards: where that died in between,
 * the next deploy fails on what is there already, and `resolve --applied` is what repairs it.) Waits for an engine that is at work, or a script that goes on.
 */
async function forgetInterrupted(databaseUrl: string): Promise<void> {
  const sql = `DO $forget$ BEGIN
    PERFORM pg_advisory_xact_lock(${ENGINE_LOCK});
    IF to_regclass('public._prisma_migrations') IS NOT NULL THEN
      UPDATE public._prisma_migrations SET rolled_back_at = now()
      WHERE finished_at IS NULL AND rolled_back_at IS NULL AND coalesce(logs, '') = '';
    END IF;
  END $forget$`;
  // A database that cannot be reached, or read, is for the engine to tell of.
  await once(databaseUrl, sql).catch(() => undefined);
}

export async function migrationStatus(databaseUrl: string, prismaFolder = PRISMA_FOLDER): Promise<MigrationStatus> {
  return withEngine(databaseUrl, async (engine) => {
    const migrationsList = readMigrations(prismaFolder);
    const found = await engine.diagnoseMigrationHistory({
      migrationsList,
      optInToShadowDatabase: false,
      filters: EVERYTHING,
    });
    const { history } = found;
    return {
      pending: history !== null && 'unappliedMigrationNames' in history ? history.unappliedMigrationNames : [],
      unknown: history !== null && 'unpersistedMigrationNames' in history ? history.unpersistedMigrationNames : [],
      failed: found.failedMigrationNames,
      edited: found.editedMigrationNames,
    };
  });
}

/** Replays the migrations on a shadow database beside `databaseUrl`; returns how schema.prisma differs, or undefined. */
export async function checkMigrations(databaseUrl: string, prismaFolder = PRISMA_FOLDER): Promise<string | undefined> {
  const { exitCode, stdout } = await diff(databaseUrl, prismaFolder, false);
  return exitCode === 2 ? (stdout ?? 'schema.prisma and the migrations differ') : undefined;
}

/**
 * Writes the migration that leads from the last one to schema.prisma, after a replay on a shadow database.
 * Returns its folder, or undefined when there is nothing to do.
 */
export async function createMigration(
  databaseUrl: string,
  name: string,
  prismaFolder = PRISMA_FOLDER,
): Promise<string | undefined> {
  if (!/^[a-z0-9_]+$/.test(name)) {
    throw new TeddyhubError('INVALID_INPUT', `"${name}" cannot name a migration: use a-z, 0-9 and _.`);
  }
  const { exitCode, stdout } = await diff(databaseUrl, prismaFolder, true);
  if (exitCode !== 2 || stdout === null) return undefined;
  const stamp = new Date().toISOString().replace(/[-:T]/g, '').slice(0, 14);
  const folder = join(migrationsFolder(prismaFolder), `${stamp}_${name}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'migration.sql'), stdout);
  writeFileSync(join(migrationsFolder(prismaFolder), LOCKFILE.path), LOCKFILE.content);
  return folder;
}

/** Marks a failed migration as rolled back, so that the next deploy tries it again. */
export async function resolveRolledBack(databaseUrl: string, migrationName: string): Promise<void> {
  await withEngine(databaseUrl, (engine) => engine.markMigrationRolledBack({ migrationName }));
}

/** Marks a migration as applied whose tables are there. */
export async function resolveApplied(
  databaseUrl: string,
  migrationName: string,
  prismaFolder = PRISMA_FOLDER,
): Promise<void> {
  const migrationsList = readMigrations(prismaFolder);
  await withEngine(databaseUrl, (engine) => engine.markMigrationApplied({ migrationName, migrationsList }));
}

/** exitCode 2: the two differ. `script`: the difference as SQL instead of prose. */
async function diff(databaseUrl: string, prismaFolder: string, script: boolean) {
  return withEngine(databaseUrl, (engine) =>
    engine.diff({
      from: { tag: 'migrations', ...readMigrations(prismaFolder) },
      to: { tag: 'schemaDatamodel', ...readSchema(prismaFolder) },
      script,
      exitCode: true,
      filters: EVERYTHING,
    }),
  );
}
