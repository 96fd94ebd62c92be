/**
 * A world of its own for a test: a fresh database on a real PostgreSQL, a folder of objects, and worker processes on demand.
 * One server serves all worlds of a test file; the last one to close stops it.
 */
import { randomInt } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ObjectStoreConfig } from '../../src/platform/config/env.js';
import { type Database, openDatabase, type Transaction } from '../../src/platform/database/client.js';
import {
  createDatabase,
  dropDatabase,
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/platform/embedded/postgres.js';
import { createLog } from '../../src/platform/log.js';
import { deployMigrations } from '../../src/platform/migrate/migrations.js';
import type { ObjectStore } from '../../src/platform/object-store/object-store.js';
import { openObjectStore } from '../../src/platform/object-store/open-object-store.js';
import type { Work } from '../../src/platform/orchestration/index.js';
import { openTaskQueue, type TaskQueue } from '../../src/platform/queue/task-queue.js';
import { startTestWorker, type TestWorker } from './worker.js';

export interface World {
  databaseUrl: string;
  database: Database;
  queue: TaskQueue;
  store: ObjectStore;
  storeConfig: ObjectStoreConfig;
  /** A folder that goes with the world. */
  stateDir: string;
  /** Runs `work` in a transaction, as a service does. */
  transact<T>(work: (work: Work) => Promise<T>): Promise<T>;
  /** Starts a worker process and waits until it takes tasks; `env` is added to its environment. */
  startWorker(env?: NodeJS.ProcessEnv): Promise<TestWorker>;
  /** Stops the database server, for all worlds of this file; answers what starts it again at the same place. */
  stopDatabase(): Promise<() => Promise<void>>;
  /** From now on every write to the table fails with this SQLSTATE; answers what ends that. */
  refuseWrites(table: string, sqlstate: string, when?: string): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

const TEMPLATE = 'world_template';

interface Server {
  postgres: EmbeddedPostgres;
  dataDir: string;
  folder: string;
  worlds: number;
}
let server: Promise<Server> | undefined;
let made = 0;

export async function createWorld(): Promise<World> {
  server ??= startServer();
  const { postgres, folder } = await enter(server);
  made += 1;
  const name = `world_${made}`;
  const databaseUrl = await createDatabase(postgres.adminUrl, name, TEMPLATE);
  const stateDir = await mkdtemp(join(folder, `${name}-`));
  const storeConfig: ObjectStoreConfig = { kind: 'folder', path: join(stateDir, 'objects') };
  const store = await openObjectStore(storeConfig);
  const database = openDatabase(databaseUrl, { poolSize: 5 });
  const queue = await openTaskQueue(databaseUrl, { log: createLog('test', 'silent'), role: 'API' });
  const workers: TestWorker[] = [];

  return {
    databaseUrl,
    database,
    queue,
    store,
    storeConfig,
    stateDir,
    transact: (work) => database.$transaction((tx: Transaction) => work({ tx, queue }), { timeout: 30_000 }),
    async startWorker(env = {}) {
      const worker = startTestWorker({ databaseUrl, stateDir, env });
      workers.push(worker);
      await worker.logged('worker ready');
      return worker;
    },
    stopDatabase,
    async refuseWrites(table, sqlstate, when = 'true') {
      await database.$executeRawUnsafe(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION USING ERRCODE = '${sqlstate}'; END $$`);
      await database.$executeRawUnsafe(`CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON "${table}" FOR EACH ROW
        WHEN (${when}) EXECUTE FUNCTION refuse()`);
      return async () => void (await database.$executeRaw`DROP FUNCTION refuse CASCADE`);
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.kill('SIGKILL')));
      await queue.close();
      await database.$disconnect();
      await dropDatabase(postgres.adminUrl, name);
      await leave();
    },
  };
}

async function startServer(): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'teddyhub-test-'));
  // PostgreSQL refuses to run as root: where root runs the tests, another account must reach the folder.
  await chmod(folder, 0o755);
  const dataDir = join(folder, 'postgres');
  // A place of its own: with the usual port, somebody else's server could come up there while ours is stopped.
  const postgres = await startEmbeddedPostgres({ dataDir, port: randomInt(20_000, 30_000), fast: true });
  await deployMigrations(await createDatabase(postgres.adminUrl, TEMPLATE));
  return { postgres, dataDir, folder, worlds: 0 };
}

async function stopDatabase(): Promise<() => Promise<void>> {
  const running = await server;
  if (running === undefined) throw new Error('no world is open');
  await running.postgres.stop();
  return async () => {
    const { dataDir, postgres } = running;
    running.postgres = await startEmbeddedPostgres({ dataDir, port: postgres.port, fast: true });
    if (running.postgres.port !== postgres.port) throw new Error(`port ${postgres.port} was taken during the outage`);
  };
}

async function enter(starting: Promise<Server>): Promise<Server> {
  const started = await starting;
  started.worlds += 1;
  return started;
}

async function leave(): Promise<void> {
  const started = await server;
  if (started === undefined) return;
  started.worlds -= 1;
  if (started.worlds > 0) return;
  server = undefined;
  await started.postgres.stop();
  await rm(started.folder, { recursive: true, force: true });
}
