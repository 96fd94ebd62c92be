/** The programs that read published sets and are not ours, in a virtual environment of the checkout's own. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const inCheckout = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** Its Python, or why it cannot be had here: an installation needs a package registry. */
export async function readersPython(): Promise<{ python: string } | { missing: string }> {
  const requirements = inCheckout('tests/readers/requirements.txt');
  const folder = inCheckout('.teddyhub/readers');
  const python = join(folder, 'venv', 'bin', 'python');
  const stamp = join(folder, 'installed');
  const key = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex');
  if (existsSync(stamp) && (await readFile(stamp, 'utf8')) === key) return { python };
  try {
    await mkdir(folder, { recursive: true });
    await execute('python3', ['-m', 'venv', '--clear', join(folder, 'venv')]);
    const options = ['--quiet', '--disable-pip-version-check', '--no-input', '--retries', '0', '--timeout', '10'];
    await execute(python, ['-m', 'pip', 'install', ...options, '-r', requirements]);
    await writeFile(stamp, key);
    return { python };
  } catch (error) {
    return { missing: `pip cannot install tests/readers/requirements.txt here (${String(error).split('\n')[0]})` };
  }
}

/** Runs one of tests/readers and answers the JSON that it printed. */
export async function runReader<T>(python: string, script: string, ...args: string[]): Promise<T> {
  const env = { PATH: process.env.PATH, HOME: inCheckout('.teddyhub/readers'), HF_HUB_DISABLE_TELEMETRY: '1' };
  const options = { maxBuffer: 1 << 26, env: env };
  const { stdout } = await execute(python, [inCheckout(`tests/readers/${script}`), ...args], options);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as T;
}
