import { Command } from 'commander';
import { readConfig } from '../platform/config/env.js';
import { createLog } from '../platform/log.js';
import { startPlatform } from './platform.js';
import { onStopSignal } from './until-stopped.js';

export function upCommand(): Command {
  return new Command('up')
    .description('start the whole platform here: database and object store (embedded unless configured), API, workers')
    .action(async () => {
      const config = readConfig(process.env, process.cwd());
      const starting = startPlatform({ config, log: createLog('teddyhub', config.logLevel) });
      onStopSignal(async () => (await starting.catch(() => undefined))?.stop());
      const { url, adminKey } = await starting;
      console.log(`Teddyhub answers at ${url}`);
      if (adminKey?.isNew) console.log(`First ADMIN key, shown only now: ${adminKey.secret}`);
      if (adminKey) console.log(`This machine's commands read the ADMIN key from ${adminKey.file}`);
    });
}
