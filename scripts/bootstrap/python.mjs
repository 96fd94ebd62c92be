/** What the tests run the Python client with, and other people's readers of sets: node_modules/.teddyhub/python-packages. */
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { execute, find, run } from './command.mjs';
import { SetupFailure } from './failure.mjs';
import { digest, makeFolder, readStamp, writeStamp } from './files.mjs';
import { requireSpace } from './space.mjs';
import { requirePip } from './wheel.mjs';

const REQUIREMENTS = [
  join('clients', 'python', 'requirements-tests.txt'),
  join('tests', 'readers', 'requirements.txt'),
];
/** Published as source alone; it has no code to compile. */
const FROM_SOURCE = 'jsonpath-rw';

const linkOf = (paths) => join(paths.stamps, 'python-packages');

export const python = {
  name: 'python',
  title: 'Python packages (for the tests)',
  isDone: (paths) => readStamp(paths, 'python') === keyOf(paths) && existsSync(linkOf(paths)),
  require: async (paths) => {
    await requirePip();
    const { status } = await execute(find('python3'), ['-c', 'import sys; sys.exit(sys.version_info < (3, 10))']);
    if (status !== 0) {
      throw new SetupFailure('python3 is too old for the tests of the Python client: install Python 3.10 or newer.');
    }
    if (!existsSync(folderOf(paths))) requireSpace(paths.cache, 900);
  },
  run: async (paths) => {
    const key = keyOf(paths);
    // Packages in a folder, and not a virtual environment: some systems have pip and lack the module that makes those.
    const folder = folderOf(paths);
    await makeFolder(folder, async (target) => {
      const options = [
        '--quiet',
        '--disable-pip-version-check',
        '--no-input',
        '--only-binary=:all:',
        `--no-binary=${FROM_SOURCE}`,
        ...REQUIREMENTS.flatMap((file) => ['-r', file]),
        '--target',
        target,
      ];
      await run(paths, find('python3'), ['-m', 'pip', 'install', ...options], {
        tool: 'pip',
        task: 'pip install of what the tests read sets with',
        env: { TMPDIR: paths.cache },
      });
    });
    mkdirSync(paths.stamps, { recursive: true });
    rmSync(linkOf(paths), { force: true });
    symlinkSync(folder, linkOf(paths));
    writeStamp(paths, 'python', key);
  },
};

const folderOf = (paths) => join(paths.cache, 'python', keyOf(paths));

/** Compiled packages are for one version of Python, whose path names it. */
const keyOf = ({ root }) =>
  digest(
    ...REQUIREMENTS.map((file) => readFileSync(join(root, file))),
    realpathSync(find('python3') ?? '/nowhere'),
  ).slice(0, 16);
