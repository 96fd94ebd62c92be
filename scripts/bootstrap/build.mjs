/** TypeScript to dist/. */
import { existsSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { execute } from './command.mjs';
import { failureOf, SetupFailure } from './failure.mjs';
import { digestOfTree, filesBelow, readStamp, writeStamp } from './files.mjs';
import { refuseUnderLiving } from './running.mjs';

const SOURCES = ['src', 'workers', 'clients/typescript/src', 'tests', 'bench', 'prisma.config.ts', 'tsconfig.json'];
const ERRORS_SHOWN = 20;
/** In place of the digest of what was built. */
const UNDER_WAY = 'under way';
const FAILED = 'failed';

export const build = {
  name: 'build',
  title: 'build',
  isDone: (paths) => existsSync(join(paths.root, 'dist')) && readStamp(paths, 'build') === keyOf(paths),
  // A service starts workers, and those their children, out of dist/ for as long as it runs.
  require: (paths) => {
    if (!existsSync(join(paths.root, 'dist'))) return;
    const todo = 'stop it first, or go on with what is built: node scripts/teddyhub.mjs';
    refuseUnderLiving(paths, 'The sources of the build have changed', todo);
  },
  run: async (paths) => {
    const key = keyOf(paths);
    const compiler = join(paths.modules, 'typescript/bin/tsc');
    // After an interruption tsc's own notes may claim files that were never written.
    if ([undefined, UNDER_WAY].includes(readStamp(paths, 'build'))) {
      rmSync(join(paths.root, 'dist'), { recursive: true, force: true });
    }
    // From here on dist/ is not what the last stamp says, whatever becomes of this build.
    writeStamp(paths, 'build', UNDER_WAY);
    const { status, output } = await execute(paths.node, [compiler, '-p', 'tsconfig.json'], { cwd: paths.root });
    if (status !== 0) {
      writeStamp(paths, 'build', FAILED);
      throw failureFrom(output, paths);
    }
    removeOrphans(paths);
    writeStamp(paths, 'build', key);
  },
};

const keyOf = ({ root }) => digestOfTree(root, SOURCES, (file) => /\.(ts|json)$/.test(file));

function failureFrom(output, paths) {
  const errors = output.split('\n').filter((line) => /error TS\d+/.test(line));
  if (errors.length === 0) return failureOf('tsc', 'tsc', output, paths.log);
  const more = errors.length > ERRORS_SHOWN ? [`... and ${errors.length - ERRORS_SHOWN} more`] : [];
  return new SetupFailure(['The build failed:', ...errors.slice(0, ERRORS_SHOWN), ...more].join('\n'));
}

/** A test whose source is gone must not go on running out of dist/. */
function removeOrphans({ root }) {
  const dist = join(root, 'dist');
  for (const file of filesBelow(dist).filter((path) => path.endsWith('.js'))) {
    const source = join(root, relative(dist, file).replace(/\.js$/, '.ts'));
    if (existsSync(source) || existsSync(`${source}x`)) continue;
    rmSync(file);
    rmSync(`${file}.map`, { force: true });
  }
}
