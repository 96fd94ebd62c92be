/** The two long-running parts, each by itself, as production runs them. */
import { Command } from 'commander';
import { TeddyhubError } from '../domain/errors.js';
import { startApi } from '../main.js';
import { readConfig } from '../platform/config/env.js';
import { createLog } from '../platform/log.js';
import { spawnWorker } from '../platform/queue/spawn-worker.js';
import { onStopSignal } from './until-stopped.js';

export function apiCommand(): Command {
  return new Command('api').description('serve the API alone; needs DATABASE_URL').action(async () => {
    const config = readConfig(process.env, process.cwd());
    const { databaseUrl } = config;
    if (databaseUrl === undefined) {
      throw new TeddyhubError(
        'BAD_CONFIGURATION',
        'DATABASE_URL: is needed; `teddyhub up` brings a database of its own.',
      );
    }
    const api = await startApi({
      config: { ...config, databaseUrl },
      log: createLog('api', config.logLevel),
      embedded: false,
    });
    onStopSignal(api.close);
    console.log(`Teddyhub answers at ${api.url}`);
  });
}

export function workerCommand(): Command {
  return new Command('worker').description('run one worker; needs DATABASE_URL').action(() => {
    const worker = spawnWorker({ env: process.env });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => worker.kill(signal));
    worker.once('exit', (status) => process.exit(status ?? 1));
  });
}
