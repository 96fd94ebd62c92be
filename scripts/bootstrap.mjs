#!/usr/bin/env node
// Sets the checkout up: packages, TensorFlow, Prisma client, build. Only what changed is done again.
// This file keeps to syntax that old versions of Node read, so that they can be told apart from a broken installation.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`bootstrap: Node ${process.versions.node} is too old: install Node 20.19 or newer.`);
  process.exit(1);
}
import('./bootstrap/main.mjs').then(({ main }) => main(process.argv.slice(2)));
