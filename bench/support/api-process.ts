/** The API as a process of its own, so that what is measured shares nothing with it but the machine. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { NODE_FLAGS } from '../../src/cli/node-flags.js';
import { root } from './report.js';

export interface ApiProcess {
  url: string;
  /** Memory that the process holds now, MiB (Linux only). */
  residentMiB(): number;
  stop(): Promise<void>;
}

/** Without limits that a benchmark would meet before the service does. */
export async function startApiProcess(options: { databaseUrl: string; stateDir: string }): Promise<ApiProcess> {
  const child: ChildProcess = spawn(process.execPath, [...NODE_FLAGS, root('dist/src/cli/main.js'), 'api'], {
    env: {
      ...process.env,
      NODE_ENV: 'production',
      LOG_LEVEL: 'warn',
      PORT: '0',
      DATABASE_URL: options.databaseUrl,
      TEDDYHUB_STATE_DIR: options.stateDir,
      TEDDYHUB_RATE_LIMIT: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout! });
  const [line] = (await Promise.race([
    once(lines, 'line'),
    ended.then(() => {
      throw new Error('the API did not start');
    }),
  ])) as [string];
  const url = /(http:\S+)/.exec(line)?.[1];
  if (url === undefined) throw new Error(`the API says "${line}"`);
  return {
    url,
    residentMiB() {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
