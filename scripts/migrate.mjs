#!/usr/bin/env node
// Migrations of the database: create, deploy, status, check, resolve.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [node, main] = ['node_modules/.bin/node', 'dist/src/platform/migrate/main.js'].map((path) =>
  fileURLToPath(new URL(`../${path}`, import.meta.url)),
);

if (existsSync(node) && existsSync(main)) {
  process.exitCode = spawnSync(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' }).status ?? 1;
} else {
  console.error('migrate: this checkout is not set up yet; run: npm run bootstrap');
  process.exitCode = 1;
}
