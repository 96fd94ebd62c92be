/** Runs the built `teddyhub` command as a process of its own. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const CLI = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

export interface Outcome {
  status: number;
  stdout: string;
  lines: string[];
  errors: string[];
}

export const runTeddyhub = (
  args: readonly string[],
  { cwd, env = {} }: { cwd: string; env?: Record<string, string> },
): Promise<Outcome> =>
  new Promise((resolve) => {
    const options = { cwd, env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env }, maxBuffer: 1 << 26 };
    const child = execFile(process.execPath, [CLI, ...args], options, (_error, stdout, stderr) => {
      const linesOf = (text: string) => text.split('\n').filter((line) => line !== '');
      resolve({ status: child.exitCode ?? -1, stdout, lines: linesOf(stdout), errors: linesOf(stderr) });
    });
  });

export interface Run {
  child: ChildProcess;
  stdout: () => string;
  stderr: () => string;
  /** The exit status, once all that it wrote is there. */
  ended: Promise<number | null>;
}

const runs: Run[] = [];

/** Starts it and leaves it running. */
export function startTeddyhub(args: readonly string[], env: NodeJS.ProcessEnv): Run {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [CLI, ...args], { env: { PATH, HOME, LOG_LEVEL: 'warn', ...env } });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const run = { child, stdout: () => stdout, stderr: () => stderr, ended };
  runs.push(run);
  return run;
}

/** For the end of a file: what a failed test left running would keep it from ending. */
export async function stopTeddyhubs(): Promise<void> {
  for (const { child } of runs) child.kill('SIGTERM');
  await Promise.all(runs.map(({ ended }) => ended));
}

/** One line of error, with these words, and nothing else. */
export function failed({ status, errors }: Outcome, words: RegExp): void {
  assert.deepEqual([status, errors.length], [1, 1], errors.join('\n'));
  assert.match(errors[0] ?? '', words);
}
