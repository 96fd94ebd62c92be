/** PyTorch in a virtual environment of the checkout's own, .teddyhub/pytorch/venv. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execute, find, run } from '../bootstrap/command.mjs';
import { SetupFailure } from '../bootstrap/failure.mjs';
import { digestOfTree, writeWhole } from '../bootstrap/files.mjs';
import { withLock } from '../bootstrap/lock.mjs';
import { requirePip } from '../bootstrap/wheel.mjs';

const REQUIREMENTS = join('tests', 'pytorch', 'requirements.txt');
const WITHOUT_DEPENDENCIES = join('tests', 'pytorch', 'requirements-no-deps.txt');

/** The environment's Python, after installing what tests/pytorch asks for unless that was done. */
export async function pythonWithTorch(paths) {
  const folder = join(paths.state, 'pytorch');
  const python = join(folder, 'venv', 'bin', 'python');
  const stamp = join(folder, 'installed');
  const key = digestOfTree(paths.root, [REQUIREMENTS, WITHOUT_DEPENDENCIES]);
  const waiting = (pid) => console.error(`Waiting for the installation that process ${pid} is doing ...`);
  await withLock(join(folder, 'lock'), waiting, async () => {
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key && (await isAlive(python))) return;
    await install(paths, join(folder, 'venv'), python);
    writeWhole(stamp, key);
  });
  return python;
}

async function install(paths, venv, python) {
  await requirePip();
  console.error('Installing PyTorch for these checks (about 1 GB, once) ...');
  // Cleared, since an interrupted installation may have left half a package.
  const { status } = await execute(find('python3'), ['-m', 'venv', '--clear', venv]);
  if (status !== 0) {
    throw new SetupFailure(
      'python3 cannot make virtual environments here: install its venv module (Debian and Ubuntu: apt-get install python3-venv).',
    );
  }
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input'];
  for (const options of [
    ['-r', REQUIREMENTS],
    ['--no-deps', '-r', WITHOUT_DEPENDENCIES],
  ]) {
    await run(paths, python, [...pip, ...options], { tool: 'pip', task: 'installing PyTorch' });
  }
}

/** A system's Python that is gone takes the environment's with it. */
const isAlive = async (python) => (await execute(python, ['-c', 'import torch'])).status === 0;
