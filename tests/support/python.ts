/** Runs Python on the packages that set-up installs: pytest, and the programs that read sets and are not ours. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const checkout = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

export interface PythonOutcome {
  status: number;
  stdout: string;
  stderr: string;
}

/** What pytest reports of one test. */
export interface PytestResult {
  name: string;
  outcome: 'passed' | 'failed' | 'skipped';
  message: string;
}

/** The packages that set-up installs for the tests. */
const PACKAGES = checkout('node_modules/.teddyhub/python-packages');

/** Runs Python with the client on its path, without whatever the environment of this process tells Teddyhub or Python. */
export function runPython(
  args: readonly string[],
  {
    python = 'python3',
    env = {},
    cwd = checkout('.'),
  }: { python?: string; env?: Record<string, string>; cwd?: string } = {},
): Promise<PythonOutcome> {
  if (python === 'python3' && !existsSync(PACKAGES)) {
    throw new Error('The Python packages are not set up: run npm run bootstrap -- --with-tests');
  }
  const path = [checkout('clients/python'), ...(python === 'python3' ? [PACKAGES] : [])].join(':');
  const usual = Object.entries(process.env).filter(([name]) => !/^(?:TEDDYHUB|PYTHON)/.test(name));
  const options = {
    cwd,
    env: { ...Object.fromEntries(usual), PYTHONPATH: path, PYTHONDONTWRITEBYTECODE: '1', ...env },
    maxBuffer: 1 << 26,
  };
  return new Promise((resolve) => {
    const child = execFile(python, args, options, (_error, stdout, stderr) =>
      resolve({ status: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

/** Runs the tests below `folder`, which find `context` as JSON. Throws where pytest itself did not get to its end. */
export async function runPytest(folder: string, context: object, python?: string): Promise<PytestResult[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'teddyhub-pytest-'));
  try {
    const report = join(scratch, 'report.jsonl');
    const env = { TEDDYHUB_TEST_CONTEXT: JSON.stringify(context), TEDDYHUB_TEST_REPORT: report };
    const args = [
      '-m',
      'pytest',
      '-q',
      '-c',
      checkout('clients/python/pyproject.toml'),
      '--basetemp',
      join(scratch, 'tmp'),
    ];
    const ran = await runPython([...args, checkout(folder)], { ...(python && { python }), env });
    if (ran.status > 1) throw new Error(`pytest ended with ${ran.status}: ${ran.stdout}${ran.stderr}`);
    const lines = (await readFile(report, 'utf8')).trim().split('\n');
    return lines.map((line) => JSON.parse(line) as PytestResult);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Runs one of tests/readers, with a home of its own for its caches, and answers the JSON that it printed. */
export async function runReader<T>(script: string, ...args: string[]): Promise<T> {
  const home = await mkdtemp(join(tmpdir(), 'teddyhub-reader-'));
  try {
    const env = { HOME: home, HF_HUB_DISABLE_TELEMETRY: '1' };
    const ran = await runPython([checkout(`tests/readers/${script}`), ...args], { env });
    if (ran.status !== 0) throw new Error(`${script} ended with ${ran.status}: ${ran.stdout}${ran.stderr}`);
    return JSON.parse(ran.stdout.trim().split('\n').at(-1) ?? '') as T;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
