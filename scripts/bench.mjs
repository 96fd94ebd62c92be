#!/usr/bin/env node
// Runs one benchmark of bench/ on the pinned Node: npm run bench -- <name> [its options].
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'dist', 'bench');
const names = existsSync(folder)
  ? readdirSync(folder)
      .filter((name) => name.endsWith('.js'))
      .map((name) => name.slice(0, -3))
  : [];
const [name, ...options] = process.argv.slice(2);

if (names.includes(name)) {
  // Benchmarks that compute do so in this process, as a worker's child does.
  const { KEEP_MEMORY } = await import('../dist/workers/keep-memory.js');
  const { status } = spawnSync(join(root, 'node_modules', '.bin', 'node'), [join(folder, `${name}.js`), ...options], {
    env: { ...KEEP_MEMORY, ...process.env },
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
} else {
  console.error(
    names.length === 0
      ? 'bench: this checkout is not set up yet; run: npm run bootstrap'
      : `bench: choose one of ${names.join(', ')}: npm run bench -- <name>`,
  );
  process.exitCode = 1;
}
