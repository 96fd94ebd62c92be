/** The Python of the peers. */
import { spawnSync } from 'node:child_process';
import { end } from './options.js';
import { root } from './report.js';

/** What `npm run check:pytorch` installs. */
export const PYTHON = root('.teddyhub/pytorch/venv/bin/python');

/**
 * The version of a package of this Python; ends the benchmark in one line where it has none. The package is not imported, as
 * torchvision needs help for that beside a CPU build of PyTorch.
 */
export function versionOfModule(bench: string, python: string, name: string): string {
  const { stdout, status } = spawnSync(
    python,
    ['-c', `from importlib.metadata import version; print(version("${name}"))`],
    {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  if (status === 0) return stdout.trim();
  return end(bench, `${python} has no ${name}: run npm run check:pytorch once, or name a Python with it by --python`);
}
