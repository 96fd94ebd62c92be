/** What the service needs besides itself, on one machine: PostgreSQL and a folder of objects, both under one folder. */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { startEmbeddedPostgres } from './postgres.js';

export interface EmbeddedStack {
  databaseUrl: string;
  /** Connection URL of the maintenance database. */
  adminUrl: string;
  /** Folder of the filesystem object store. */
  objectStoreDir: string;
  /** Stops the database unless another living process uses it. */
  stop(): Promise<void>;
}

/** Starts (or joins) the embedded stack of `stateDir`, usually `.teddyhub`. Migrations are the caller's. */
export async function startEmbeddedStack(options: { stateDir: string; fast?: boolean }): Promise<EmbeddedStack> {
  const stateDir = resolve(options.stateDir);
  const objectStoreDir = join(stateDir, 'objects');
  // Datasets and sets of all projects: for the service's own account alone.
  mkdirSync(objectStoreDir, { recursive: true, mode: 0o700 });
  const postgres = await startEmbeddedPostgres({ dataDir: join(stateDir, 'postgres'), fast: options.fast ?? false });
  return { databaseUrl: postgres.url, adminUrl: postgres.adminUrl, objectStoreDir, stop: postgres.stop };
}
