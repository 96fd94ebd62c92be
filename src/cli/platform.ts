/** The whole platform on one machine: database -> migrations -> API -> workers, and down again in the opposite order. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { type Api, startApi } from '../main.js';
import type { Config } from '../platform/config/env.js';
import { keepEmbeddedStack } from '../platform/embedded/kept-stack.js';
import { leaveServiceUrl } from '../platform/embedded/services.js';
import type { Log } from '../platform/log.js';
import { deployMigrations } from '../platform/migrate/migrations.js';
import { spawnWorker } from '../platform/queue/spawn-worker.js';

export interface Platform {
  /** Where the API answers. */
  url: string;
  databaseUrl: string;
  /** In embedded mode the secret of the first ADMIN key; null where the database is somebody else's. */
  adminKey: Api['adminKey'];
  stop(): Promise<void>;
}

/** A worker that keeps dying is started again this much later. */
const WORKER_RESTART_MS = 2_000;
/** Workers drain within ten seconds; one that has not is stuck. */
const WORKER_STOP_MS = 15_000;

/** `workerLog` takes the workers' logs; without it they go to standard error. */
export async function startPlatform(options: { config: Config; log: Log; workerLog?: string }): Promise<Platform> {
  const { log } = options;
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const step of stops.splice(0).reverse()) {
      await step().catch((error: unknown) => log.error({ err: error }, 'could not stop cleanly'));
    }
  };
  try {
    const embedded = options.config.databaseUrl === undefined;
    const config = { ...options.config };
    if (config.databaseUrl === undefined) {
      const stack = await keepEmbeddedStack(config, log);
      stops.push(stack.stop);
      config.databaseUrl = stack.databaseUrl;
    }
    const { databaseUrl } = config;
    await deployMigrations(databaseUrl);
    const api = await startApi({ config: { ...config, databaseUrl }, log, embedded });
    stops.push(api.close);
    if (embedded) {
      const takeBack = leaveServiceUrl(config.stateDir, api.url);
      stops.push(async () => takeBack());
    }
    const env = { ...process.env, DATABASE_URL: databaseUrl, TEDDYHUB_STATE_DIR: config.stateDir };
    const workers = Array.from({ length: config.workers }, () => keepWorker(env, options.workerLog, log));
    // At once: one that waits for its turn would take the task of one that has stopped.
    stops.push(async () => void (await Promise.all(workers.map((stopWorker) => stopWorker()))));
    return { url: api.url, databaseUrl, adminKey: api.adminKey, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Keeps one worker process alive until the returned function is called. */
function keepWorker(env: NodeJS.ProcessEnv, logFile: string | undefined, log: Log): () => Promise<void> {
  let stopping = false;
  let restart: NodeJS.Timeout | undefined;
  let worker: ChildProcess;
  const start = () => {
    worker = spawnWorker({ env, stderr: logFile === undefined ? 'inherit' : 'pipe' });
    if (logFile !== undefined) {
      const sink = createWriteStream(logFile, { flags: 'a' });
      sink.on('error', (error) => {
        log.warn({ reason: error.message }, `the log of a worker cannot be written to ${logFile}`);
        worker.stderr?.resume();
      });
      worker.stderr?.pipe(sink);
    }
    const again = (about: object) => {
      if (stopping) return;
      log.warn(about, 'a worker ended, starting another one');
      restart = setTimeout(start, WORKER_RESTART_MS);
    };
    worker.once('exit', (status, signal) => again({ status, signal }));
    // It never began, and never exits: no memory, or no process to be had.
    worker.on('error', (error) => {
      if (worker.pid === undefined) again({ reason: error.message });
    });
  };
  start();
  return async () => {
    stopping = true;
    clearTimeout(restart);
    if (worker.pid === undefined || worker.exitCode !== null || worker.signalCode !== null) return;
    const ended = once(worker, 'exit');
    worker.kill('SIGTERM');
    const stuck = setTimeout(() => worker.kill('SIGKILL'), WORKER_STOP_MS);
    await ended;
    clearTimeout(stuck);
  };
}

export const workerLogOf = (stateDir: string): string => join(stateDir, 'worker.log');
