#!/usr/bin/env node
// Holds the networks against PyTorch: makes the goldens of tests/fixtures/pytorch anew and compares them, then has
// PyTorch export whole networks and runs tests/pytorch/full.check.ts on them. Downloads PyTorch the first time.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './bootstrap/command.mjs';
import { lineOf, SetupFailure } from './bootstrap/failure.mjs';
import { layout } from './bootstrap/paths.mjs';
import { difference } from './check-pytorch/compare.mjs';
import { pythonWithTorch } from './check-pytorch/environment.mjs';

/** Goldens have 9 digits of results in float64; other machines add in another order. */
const TOLERANCE = 1e-6;

const paths = layout();
const goldens = join(paths.root, 'tests', 'fixtures', 'pytorch');
const fullTest = join(paths.root, 'dist', 'tests', 'pytorch', 'full.check.js');

try {
  await main();
} catch (error) {
  const line = lineOf(error);
  if (line === undefined) throw error;
  console.error(`check:pytorch: ${line}`);
  process.exitCode = 1;
}

async function main() {
  if (!existsSync(paths.node)) throw new SetupFailure('this checkout is not set up yet; run: npm run bootstrap');
  // Before the minutes that PyTorch takes.
  if (!existsSync(fullTest)) {
    throw new SetupFailure(`${fullTest} is missing: tests/pytorch/full.check.ts was not built; run: npm run build`);
  }
  const python = await pythonWithTorch(paths);
  const folder = mkdtempSync(join(tmpdir(), 'teddyhub-pytorch-'));
  // An interrupted run leaves no half gigabyte behind.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

  console.log('Making the goldens anew ...');
  await make(python, 'making the goldens', '--out', join(folder, 'goldens'));
  const agree = compareFolders(join(folder, 'goldens'));

  console.log('Comparing whole networks ...');
  const exported = join(folder, 'export');
  await make(python, 'exporting the networks', '--export', exported);
  const env = { ...process.env, TEDDYHUB_PYTORCH_EXPORT: exported };
  const { status } = spawnSync(paths.node, ['--test', fullTest], { cwd: paths.root, env, stdio: 'inherit' });
  process.exitCode = agree && status === 0 ? 0 : 1;
}

function make(python, task, ...options) {
  const program = join('tests', 'pytorch', 'make_goldens.py');
  return run(paths, python, [program, ...options], { tool: 'python', task, env: { PYTHONDONTWRITEBYTECODE: '1' } });
}

/** One line a golden; whether all agree. */
function compareFolders(made) {
  const names = [...new Set([goldens, made].flatMap((folder) => readdirSync(folder)))].sort();
  const results = names.map((name) => {
    const [committed, anew] = [goldens, made].map((folder) => join(folder, name));
    if (!existsSync(committed)) return report(name, false, 'is not committed');
    if (!existsSync(anew)) return report(name, false, 'is not made any more');
    const [a, b] = [committed, anew].map((path) => JSON.parse(readFileSync(path, 'utf8')));
    const found = difference(a, b);
    return report(name, found <= TOLERANCE, `differs by ${found.toExponential(1)}`);
  });
  return results.every(Boolean);
}

function report(name, holds, what) {
  console.log(`${holds ? 'ok    ' : 'FAILED'} ${name} ${what}`);
  return holds;
}
