/** Starts a worker as a process of its own: the service computes nothing, and no computation can take it down. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const WORKER = fileURLToPath(new URL('../../../workers/main.js', import.meta.url));

/**
 * `env` is the worker's whole environment; it must name DATABASE_URL. The worker drains and exits when it gets SIGTERM, or
 * when this process is gone. Its log comes on `stderr` where that is 'pipe'.
 */
export function spawnWorker(options: { env: NodeJS.ProcessEnv; stderr?: 'inherit' | 'pipe' }): ChildProcess {
  return spawn(process.execPath, [WORKER], {
    env: options.env,
    // The channel carries no messages: its end tells the worker that its parent is gone.
    stdio: ['ignore', 'ignore', options.stderr ?? 'inherit', 'ipc'],
    // A group of its own: Ctrl-C at the terminal must not reach it beside the signal of whoever stops it, which would read as
    // a second one and cut the drain short.
    detached: true,
  });
}
