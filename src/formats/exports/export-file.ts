/** Exports as one file each, for who fetches them by URL; the formats themselves are those of `teddyhub export`. */
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import { type ExportFormat, exportSet } from './index.js';
import type { PulledSet } from './pulled-set.js';

interface ExportFile {
  readonly format: ExportFormat;
  readonly type: string;
  /** Where the exporter leaves it; null: everything that it leaves, as a tar. */
  readonly path: string | null;
}

/** By the name in the URL. */
export const EXPORT_FILES = {
  'class-folders.tar': { format: 'class-folders', type: 'application/x-tar', path: null },
  'data.parquet': {
    format: 'parquet',
    type: 'application/vnd.apache.parquet',
    path: 'data/train-00000-of-00001.parquet',
  },
  'data.npz': { format: 'npz', type: 'application/zip', path: 'data.npz' },
  'set.safetensors': { format: 'tensors', type: 'application/octet-stream', path: 'set.safetensors' },
} as const satisfies Record<string, ExportFile>;

export type ExportFileName = keyof typeof EXPORT_FILES;

export const isExportFile = (name: string): name is ExportFileName => Object.hasOwn(EXPORT_FILES, name);

/** Makes the file at `to`, beside which there is room. Equal sets make equal bytes. */
export async function writeExportFile(set: PulledSet, name: ExportFileName, to: string): Promise<void> {
  const { format, path } = EXPORT_FILES[name];
  const folder = `${to}.files`;
  await mkdir(folder);
  await exportSet(format, set, folder, { image: 'png', quality: 90 }, () => undefined);
  if (path === null) await packFolder(folder, to);
  else await rename(join(folder, path), to);
}

/** In the order of the names, without times and owners. */
async function packFolder(folder: string, to: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const tar = pack();
  const written = pipeline(tar, createWriteStream(to));
  const fill = async () => {
    for (const path of paths.sort()) {
      const name = relative(folder, path).split(sep).join('/');
      const header = { name, mode: 0o644, uid: 0, gid: 0, mtime: new Date(0) };
      const bytes = await readFile(path);
      await new Promise<void>((resolve, reject) => {
        tar.entry(header, bytes, (error) => (error ? reject(error) : resolve()));
      });
    }
    tar.finalize();
  };
  await Promise.all([fill(), written]);
}
