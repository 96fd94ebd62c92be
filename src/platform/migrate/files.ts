/** prisma/: the schema and the folders of migrations, in the form the engine takes. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MigrationList, SchemasContainer } from '@prisma/schema-engine-wasm';

/** The project's own prisma/ folder, seen from dist/src/platform/migrate. */
export const PRISMA_FOLDER = fileURLToPath(new URL('../../../../prisma', import.meta.url));

export const LOCKFILE = { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' };

export const migrationsFolder = (prismaFolder: string): string => join(prismaFolder, 'migrations');

/** Every migration, in the order of application. */
export function readMigrations(prismaFolder: string): MigrationList {
  const baseDir = migrationsFolder(prismaFolder);
  const entries = existsSync(baseDir) ? readdirSync(baseDir, { withFileTypes: true }) : [];
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return {
    baseDir,
    lockfile: LOCKFILE,
    shadowDbInitScript: '',
    migrationDirectories: names.sort().map((name) => ({
      path: name,
      migrationFile: { path: 'migration.sql', content: readSql(join(baseDir, name, 'migration.sql')) },
    })),
  };
}

export function readSchema(prismaFolder: string): SchemasContainer {
  const path = join(prismaFolder, 'schema.prisma');
  return { files: [{ path, content: readFileSync(path, 'utf8') }] };
}

type SqlFile = MigrationList['migrationDirectories'][number]['migrationFile']['content'];

function readSql(path: string): SqlFile {
  const value = readOptional(path);
  return value === null ? { tag: 'error', value: `${path} is missing` } : { tag: 'ok', value };
}

const readOptional = (path: string): string | null => (existsSync(path) ? readFileSync(path, 'utf8') : null);
