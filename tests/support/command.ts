/** Runs the built `teddyhub` command as a process of its own. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

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

/** One line of error, with these words, and nothing else. */
export function failed({ status, errors }: Outcome, words: RegExp): void {
  assert.deepEqual([status, errors.length], [1, 1], errors.join('\n'));
  assert.match(errors[0] ?? '', words);
}
