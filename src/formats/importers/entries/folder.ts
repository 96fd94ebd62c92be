/** The files below a folder. Links are not followed: they could lead anywhere. */
import { createReadStream } from 'node:fs';
import { open, opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TeddyhubError } from '../../../domain/errors.js';
import { unreadable } from '../byte-reader.js';
import { UnusableRecord } from '../sample.js';
import { fileBlob } from './blob.js';
import { type Entry, type EntrySource, FOLDER_LINK, isLitter, LINK, normalisePath, tooLarge } from './entry.js';

/** Names that the system hands over at once: a folder may hold any number of files. */
const AT_ONCE = 512;

export async function openFolder(root: string): Promise<EntrySource> {
  let total = 0;
  for await (const _ of walk(root, '')) total += 1;
  let seen = 0;
  return {
    sequential: false,
    async *entries() {
      seen = 0;
      for await (const entry of walk(root, '')) {
        seen += 1;
        yield entry;
      }
    },
    fraction: () => Math.min(1, seen / Math.max(1, total)),
    close: async () => undefined,
  };
}

async function* walk(root: string, below: string): AsyncGenerator<Entry> {
  const folder = await opendir(join(root, below), { bufferSize: AT_ONCE }).catch((error: unknown) => {
    throw unreadable(join(root, below), error);
  });
  const folders: string[] = [];
  for await (const item of folder) {
    const name = below === '' ? item.name : `${below}/${item.name}`;
    if (isLitter(name)) continue;
    const normal = normalisePath(name);
    if ('reason' in normal) {
      // All that is in it would be left out as one record.
      if (item.isDirectory())
        throw new TeddyhubError('BAD_INPUT_FILE', `${name}: ${normal.reason}; rename the folder.`);
      yield { kind: 'REFUSED', path: name, ...normal };
    } else if (item.isDirectory()) folders.push(name);
    else if (item.isFile()) yield fileEntry(join(root, name), normal.path);
    else {
      const reason = item.isSymbolicLink() ? await linkReason(join(root, name)) : 'a device or a socket, not a file';
      yield { kind: 'REFUSED', ...normal, reason };
    }
  }
  // After the files: no more folders are open at once than lie within each other.
  for (const name of folders) {
    yield { kind: 'FOLDER', path: name.normalize('NFC') };
    yield* walk(root, name);
  }
}

/** All that lies in a folder is left out with the link to it: whoever reads of it is to know. */
async function linkReason(path: string): Promise<string> {
  const target = await stat(path).catch(() => null);
  return target?.isDirectory() ? FOLDER_LINK : LINK;
}

export const fileEntry = (path: string, name: string): Entry => ({
  kind: 'FILE',
  path: name,
  read: (maxBytes) => readWhole(path, maxBytes),
  stream: async () => createReadStream(path),
  blob: () => fileBlob(path, name),
});

async function readWhole(path: string, maxBytes: number): Promise<Buffer> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    // One file of many.
    if (error.code === 'ENOENT') throw new UnusableRecord('it is gone', { cause: error });
    if (error.code === 'EACCES') throw new UnusableRecord('it may not be read', { cause: error });
    throw unreadable(path, error);
  });
  try {
    const { size } = await file.stat();
    if (size > maxBytes) throw tooLarge(size, maxBytes);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
