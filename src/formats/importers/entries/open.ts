/** Opens a source as entries, whatever it is: a folder, an archive told by its bytes and not by its name, or a single file. */
import { stat } from 'node:fs/promises';
import { TeddyhubError } from '../../../domain/errors.js';
import type { ObjectStore } from '../../../platform/object-store/object-store.js';
import { unreadable } from '../byte-reader.js';
import { type Blob, fileBlob, objectBlob } from './blob.js';
import { type EntrySource, tooLarge } from './entry.js';
import { openFolder } from './folder.js';
import { openTar } from './tar.js';
import { openZip } from './zip.js';

/** A folder, or a file as `openBlob` takes it. Throws BAD_INPUT_FILE. */
export async function openPath(path: string): Promise<EntrySource> {
  const about = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  return about.isDirectory() ? openFolder(path) : openBlob(await fileBlob(path));
}

/** An object of the store, as `openBlob` takes it; `name` is what its owner calls it. Throws BAD_INPUT_FILE. */
export async function openObject(store: ObjectStore, key: string, name: string): Promise<EntrySource> {
  const there = await store.stat(key);
  if (there === null) throw new TeddyhubError('BAD_INPUT_FILE', `${name}: it is not in the object store.`);
  return openBlob(objectBlob(store, key, there.bytes, name));
}

const HEAD_BYTES = 512;
const TAR_MAGIC = Buffer.from('ustar');
const TAR_MAGIC_AT = 257;

/** What archives that are not read begin with. */
const UNREAD: readonly (readonly [string, Buffer])[] = [
  ['xz', Buffer.from('fd377a585a00', 'hex')],
  ['bzip2', Buffer.from('BZh')],
  ['zstd', Buffer.from('28b52ffd', 'hex')],
  ['7z', Buffer.from('377abcaf271c', 'hex')],
  ['rar', Buffer.from('Rar!\x1a\x07', 'latin1')],
];

async function openBlob(blob: Blob): Promise<EntrySource> {
  try {
    return await sourceOf(blob);
  } catch (error) {
    await blob.close();
    throw error;
  }
}

/** The members of a .tar, .tar.gz or .zip archive; of any other file the file itself, as the only entry. */
async function sourceOf(blob: Blob): Promise<EntrySource> {
  if (blob.bytes === 0) throw new TeddyhubError('BAD_INPUT_FILE', `${blob.name}: the file is empty.`);
  const head = await blob.read(0, HEAD_BYTES);
  const unread = UNREAD.find(([, magic]) => head.subarray(0, magic.length).equals(magic));
  if (unread !== undefined) {
    const reason = `it is packed with ${unread[0]}, which is not read: give a .tar, .tar.gz or .zip`;
    throw new TeddyhubError('BAD_INPUT_FILE', `${blob.name}: ${reason}.`);
  }
  const gzipped = head[0] === 0x1f && head[1] === 0x8b;
  const isTar = head.subarray(TAR_MAGIC_AT, TAR_MAGIC_AT + TAR_MAGIC.length).equals(TAR_MAGIC);
  if (gzipped || isTar || /\.tar$/i.test(blob.name)) return openTar({ ...blob, gzipped });
  return head.subarray(0, 2).toString('latin1') === 'PK' ? openZip(blob) : single(blob);
}

const single = (blob: Blob): EntrySource => {
  let read = false;
  return {
    sequential: false,
    fraction: () => (read ? 1 : 0),
    close: () => blob.close(),
    async *entries() {
      yield {
        kind: 'FILE',
        path: blob.name.slice(blob.name.lastIndexOf('/') + 1),
        async read(maxBytes) {
          if (blob.bytes > maxBytes) throw tooLarge(blob.bytes, maxBytes);
          return blob.read(0, blob.bytes);
        },
        stream: () => blob.stream(),
        // It is closed with the source.
        blob: async () => ({ ...blob, close: async () => undefined }),
      };
      read = true;
    },
  };
};
