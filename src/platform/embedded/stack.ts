/** What the service needs besides itself, on one machine: PostgreSQL and a folder of objects, both under one folder. */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { startEmbeddedPostgres } from './postgres.js';
import { explainStateFolder } from './state-folder.js';

/** What a worker has at most, and the API and commands beside it. */
const CONNECTIONS_OF_WORKER = 9;
const OTHER_CONNECTIONS = 50;
const LEAST_CONNECTIONS = 200;

export interface EmbeddedStack {
  databaseUrl: string;
  /** Connection URL of the maintenance database. */
  adminUrl: string;
  /** Folder of the filesystem object store. */
  objectStoreDir: string;
  /** Whether the database ran already: another process may be at work on it. */
  isJoined: boolean;
  isRunning(): boolean;
  /** Stops the database unless another living process uses it. */
  stop(): Promise<void>;
}

interface StackOptions {
  stateDir: string;
  workers?: number;
  fast?: boolean;
}

/** Starts (or joins) the embedded stack of `stateDir`, usually `.teddyhub`. Migrations are the caller's. */
export async function startEmbeddedStack(options: StackOptions): Promise<EmbeddedStack> {
  const stateDir = resolve(options.stateDir);
  try {
    return await startIn(stateDir, options);
  } catch (error) {
    throw explainStateFolder(error, stateDir);
  }
}

async function startIn(stateDir: string, options: StackOptions): Promise<EmbeddedStack> {
  const objectStoreDir = join(stateDir, 'objects');
  // By itself, as a mode holds for every folder that is made on the way: root's database lies in it too, and runs as another account.
  mkdirSync(stateDir, { recursive: true });
  // Datasets and sets of all projects, and what is unpacked and kept of them: for the service's own account alone.
  for (const name of ['objects', 'scratch', 'shards']) {
    mkdirSync(join(stateDir, name), { recursive: true, mode: 0o700 });
  }
  const { url, adminUrl, isJoined, isRunning, stop } = await startEmbeddedPostgres({
    dataDir: join(stateDir, 'postgres'),
    fast: options.fast ?? false,
    connections: Math.max(LEAST_CONNECTIONS, OTHER_CONNECTIONS + CONNECTIONS_OF_WORKER * (options.workers ?? 1)),
  });
  return { databaseUrl: url, adminUrl, objectStoreDir, isJoined, isRunning, stop };
}
