#!/usr/bin/env node
// Holds the networks against PyTorch: makes the goldens of tests/fixtures/pytorch anew and compares them, then has
// PyTorch export whole networks and runs tests/pytorch/full.check.ts on them; then runs the tests of the Python client that
// need PyTorch (tests/pytorch/client.check.ts). Downloads PyTorch the first time.
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
const checkOf = (name) => join(paths.root, 'dist', 'tests', 'pytorch', `${name}.check.js`);

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
  for (const name of ['full', 'client']) {
    if (existsSync(checkOf(name))) continue;
    throw new SetupFailure(
      `${checkOf(name)} is missing: tests/pytorch/${name}.check.ts was not built; run: npm run build`,
    );
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
  const networks = check('full', { TEDDYHUB_PYTORCH_EXPORT: exported });

  console.log('Training on a set by its ID ...');
  const client = check('client', { TEDDYHUB_PYTORCH_PYTHON: python });
  process.exitCode = agree && networks && client ? 0 : 1;
}

/** Whether the tests of a file of tests/pytorch hold. */
function check(name, env) {
  const options = { cwd: paths.root, env: { ...process.env, ...env }, stdio: 'inherit' };
  return spawnSync(paths.node, ['--test', checkOf(name)], options).status === 0;
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
