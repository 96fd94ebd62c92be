/** A worker process under test, seen through its log. */
import { createInterface } from 'node:readline';
import { spawnWorker } from '../../src/platform/queue/spawn-worker.js';
import { until } from './until.js';

export interface LogEntry {
  msg: string;
  taskId?: string;
  attempt?: number;
  childPid?: number;
  outcome?: string;
  fromStep?: number;
  reason?: string;
  code?: string;
}

export interface TestWorker {
  readonly pid: number;
  readonly log: readonly LogEntry[];
  /** The first entry with this message, and with these values, that is in the log or comes into it. */
  logged(msg: string, values?: Partial<LogEntry>, timeoutMs?: number): Promise<LogEntry>;
  /** Sends a signal and waits for the end of the process; answers its exit status, or null where the signal ended it. */
  kill(signal: NodeJS.Signals): Promise<number | null>;
  /** Ctrl-C: a terminal sends SIGINT to every process of the group in the foreground. Waits and answers as `kill` does. */
  interrupt(): Promise<number | null>;
}

export function startTestWorker(options: {
  databaseUrl: string;
  stateDir: string;
  env?: NodeJS.ProcessEnv;
}): TestWorker {
  const child = spawnWorker({
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      NODE_ENV: 'test',
      LOG_LEVEL: 'debug',
      DATABASE_URL: options.databaseUrl,
      TEDDYHUB_STATE_DIR: options.stateDir,
      ...options.env,
    },
    stderr: 'pipe',
  });
  const { pid } = child;
  if (pid === undefined || child.stderr === null) throw new Error('the worker did not start');
  const log: LogEntry[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => log.push(parseEntry(line)));
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  let ended = false;
  void exited.then(() => {
    ended = true;
  });

  return {
    pid,
    log,
    logged: (msg, values = {}, timeoutMs = 30_000) =>
      until(
        `worker says "${msg}" ${JSON.stringify(values)}, and not only\n${log.map((entry) => JSON.stringify(entry)).join('\n')}`,
        () => {
          const found = log.find(
            (entry) =>
              entry.msg === msg &&
              Object.entries(values).every(([key, value]) => entry[key as keyof LogEntry] === value),
          );
          if (found === undefined && ended) throw new Error(`the worker ended: ${JSON.stringify(log.at(-1))}`);
          return found;
        },
        timeoutMs,
      ),
    kill(signal) {
      if (!ended) child.kill(signal);
      return exited;
    },
    interrupt() {
      if (!ended) process.kill(-pid, 'SIGINT');
      return exited;
    },
  };
}

function parseEntry(line: string): LogEntry {
  try {
    return JSON.parse(line) as LogEntry;
  } catch {
    return { msg: line };
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
