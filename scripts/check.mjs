#!/usr/bin/env node
// Everything that must hold besides the tests, one line each; the output of what fails follows its line.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const node = join(root, 'node_modules/.bin/node');
const tool = (path, ...args) => [node, join(root, 'node_modules', path), ...args];

// Set-up, which ran before, has type-checked and generated; these are what it does not look at.
const checks = {
  'format and lint': tool('@biomejs/biome/bin/biome', 'check'),
  'direction of imports': tool(
    'dependency-cruiser/bin/dependency-cruiser.mjs',
    '--config',
    '.dependency-cruiser.mjs',
    'src',
    'workers',
    'clients',
  ),
  'nothing unused': tool('knip/bin/knip.js'),
  'schema.graphql is current': [node, 'dist/src/graphql/emit-schema.js', '--check'],
  'clients/typescript is current': [node, 'scripts/generate-client.mjs', '--check'],
  'docs/results.md is current': [node, 'dist/bench/results-page.js', '--check'],
  'migrations lead to schema.prisma': [node, 'dist/src/platform/migrate/main.js', 'check'],
};

const env = { ...process.env, TEDDYHUB_STATE_DIR: process.env.TEDDYHUB_STATE_DIR || join(tmpdir(), 'teddyhub-check') };

if (!existsSync(node)) {
  console.error('check: this checkout is not set up yet; run: npm run bootstrap');
  process.exit(1);
}
let failed = 0;
for (const [name, [program, ...args]] of Object.entries(checks)) {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: root, env, encoding: 'utf8' });
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name}`);
  if (status === 0) continue;
  failed += 1;
  console.log(`${stdout}${stderr}`.trimEnd());
}
process.exitCode = failed === 0 ? 0 : 1;
