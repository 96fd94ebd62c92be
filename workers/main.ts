/** A worker: environment -> log -> device -> database -> migrations -> queue -> object store -> supervise -> drain. */
import { hostname } from 'node:os';
import { TeddyhubError } from '../src/domain/errors.js';
import { readConfig } from '../src/platform/config/env.js';
import { missingGpu } from '../src/platform/config/gpu.js';
import { openDatabase } from '../src/platform/database/client.js';
import { explainDatabase } from '../src/platform/database/failures.js';
import { createLog } from '../src/platform/log.js';
import { openObjectStore } from '../src/platform/object-store/open-object-store.js';
import { registerWorker } from '../src/platform/orchestration/index.js';
import { openTaskQueue } from '../src/platform/queue/task-queue.js';
import { probeDevice } from './compute-child.js';
import { insist } from './insist.js';
import { untilMigrated } from './migrated.js';
import { startSupervisor } from './supervisor.js';

/** In compose files a worker may be up before its database, and before that is migrated. */
const DATABASE_WAIT_MS = 60_000;
/** One signal may arrive twice: from whoever stops all processes, and passed on by the command that started this one. */
const SAME_SIGNAL_MS = 1_000;
/** A drain that takes longer than this is given up: another worker sees the lost heartbeats. */
const DRAIN_MS = 10_000;
/** No statement of a worker takes so long: its transactions have half of it. */
const ANSWER_MS = 60_000;

/** Resolves when whoever started this process through a channel is gone; it may be so before the worker is ready. */
const orphaned = new Promise<void>((resolve) => process.once('disconnect', resolve));

async function main(): Promise<void> {
  const config = readConfig(process.env, process.cwd());
  const { databaseUrl } = config;
  if (databaseUrl === undefined) {
    throw new TeddyhubError('BAD_CONFIGURATION', 'DATABASE_URL: a worker needs the URL of the database it works for.');
  }
  const log = createLog('worker', config.logLevel);
  const { device, memoryBytes, tensorflowVersion } = await probeDevice();
  const gpu = missingGpu(process.env, device);
  if (gpu !== undefined) log.warn({ device }, gpu);
  const store = await openObjectStore(config.objectStore);
  const database = openDatabase(databaseUrl, { poolSize: 5, answerMs: ANSWER_MS });
  const patience = AbortSignal.timeout(DATABASE_WAIT_MS);
  const patiently = <T>(operation: () => Promise<T>): Promise<T> =>
    insist(operation, log, patience).catch((error: unknown) => {
      throw explainDatabase(error, databaseUrl);
    });
  // Before the queue, which would make its tables in whatever database it is given.
  await patiently(() => untilMigrated(database, log, patience));
  const queue = await patiently(() => openTaskQueue(databaseUrl, { log, role: 'WORKER' }));
  const workerId = await patiently(() =>
    registerWorker(database, {
      name: `${hostname()}-${process.pid}`,
      hostname: hostname(),
      pid: process.pid,
      device,
      deviceMemoryBytes: memoryBytes,
      tensorflowVersion,
    }),
  );
  const backend = { database, queue };
  const workplace = {
    store: config.objectStore,
    scratch: config.scratchDir,
    shardCache: config.shardCache,
  };
  const supervisor = await startSupervisor({ backend, store, workplace, log, workerId });
  log.info({ workerId, device, tensorflowVersion }, 'worker ready');

  let since: number | undefined;
  const stop = async (reason: string, status = 0): Promise<void> => {
    if (since !== undefined) {
      if (performance.now() - since < SAME_SIGNAL_MS) return;
      supervisor.killNow();
      process.exit(1);
    }
    since = performance.now();
    log.info({ reason }, 'worker draining');
    setTimeout(() => {
      log.warn('worker did not drain in time');
      supervisor.killNow();
      process.exit(1);
    }, DRAIN_MS).unref();
    await supervisor.drain();
    await queue.close();
    await database.$disconnect();
    log.info('worker stopped');
    process.exit(status);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));
  void orphaned.then(() => stop('its parent is gone'));
  void supervisor.outdated.then((what) => {
    console.error(`This worker is of another version than the service (${what}): update it, then start it again.`);
    if (since === undefined) void stop('it is of another version', 1);
  });
  // Nothing should come here. A worker that went on in an unknown state would do more harm than one that is lost.
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'worker failed');
    supervisor.killNow();
    process.exit(1);
  });
}

main().catch((error: unknown) => {
  const expected = error instanceof TeddyhubError;
  console.error(expected ? `teddyhub: ${error.message}` : error);
  process.exit(1);
});
