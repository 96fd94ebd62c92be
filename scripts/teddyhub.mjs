#!/usr/bin/env node
// The `teddyhub` command: the built CLI on the pinned Node, with the flags that it wants.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tensorflowChoice } from './bootstrap/choice.mjs';
import { layout } from './bootstrap/paths.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const node = join(root, 'node_modules', '.bin', 'node');
const cli = join(root, 'dist', 'src', 'cli', 'main.js');

if (!existsSync(node) || !existsSync(cli)) {
  console.error('teddyhub: this checkout is not set up yet; run: npm run bootstrap');
  process.exitCode = 1;
} else {
  const { NODE_FLAGS } = await import('../dist/src/cli/node-flags.js');
  // Whoever asked for a GPU once is told where none is found, also by a command that does not ask again.
  const env = { ...process.env, TEDDYHUB_TENSORFLOW: tensorflowChoice(layout(), process.env) };
  const child = spawn(node, [...NODE_FLAGS, cli, ...process.argv.slice(2)], { env, stdio: 'inherit' });
  // Ctrl-C at a terminal reaches the child by itself; passing it on as well would look like a second one.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (status, signal) => process.exit(status ?? 128 + constants.signals[signal]));
}
