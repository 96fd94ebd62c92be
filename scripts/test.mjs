#!/usr/bin/env node
// Runs the built tests, two files at a time; arguments are parts of the paths to run. Ends with "N passed, N failed".
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

/** Test files are mostly processes and a database waiting for each other; TensorFlow takes both cores by itself. */
const FILES_AT_ONCE = 2;

const root = fileURLToPath(new URL('..', import.meta.url));
const node = join(root, 'node_modules', '.bin', 'node');

if (!existsSync(node) || !existsSync(join(root, 'dist'))) {
  console.error('test: this checkout is not set up yet; run: npm run bootstrap -- --with-tests');
  process.exitCode = 1;
} else if (realpathSync(node) !== realpathSync(process.execPath)) {
  process.exitCode = spawnSync(node, process.argv.slice(1), { stdio: 'inherit' }).status ?? 1;
} else {
  await test(process.argv.slice(2));
}

async function test(parts) {
  const all = testFiles();
  const files = all.filter((file) => parts.length === 0 || parts.some((part) => relative('dist', file).includes(part)));
  const stream = files.length > 0 ? run({ files, cwd: root, concurrency: FILES_AT_ONCE }) : undefined;
  let passed = 0;
  let failed = 0;
  let suites = 0;
  stream?.on('test:summary', ({ file, counts }) => {
    if (file !== undefined) return;
    passed = counts.passed;
    failed = counts.failed + counts.cancelled;
  });
  // A hook that fails behind the tests of a suite fails none of them, and not the run either.
  stream?.on('test:fail', ({ details, todo }) => {
    if (details.type === 'suite' && !todo && details.error?.failureType === 'hookFailed') suites += 1;
  });
  stream?.compose(spec).pipe(process.stdout, { end: false });
  if (stream !== undefined) await new Promise((done) => stream.on('close', done));
  failed += suites;
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
  // After the reporter's last words: an output stream keeps its order.
  setImmediate(() => process.stdout.write(`${passed} passed, ${failed} failed\n`));
}

function testFiles() {
  const names = readdirSync(join(root, 'dist', 'tests'), { recursive: true }).map(String);
  return names
    .filter((name) => name.endsWith('.test.js'))
    .map((name) => join('dist', 'tests', name))
    .sort();
}
