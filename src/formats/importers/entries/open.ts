/** Opens what a path names as entries, whatever it is. */
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { TeddyhubError } from '../../../domain/errors.js';
import { isGzip, unreadable } from '../byte-reader.js';
import type { EntrySource } from './entry.js';
import { openFolder } from './folder.js';
import { openTar } from './tar.js';

const CHUNK_BYTES = 1 << 18;

/** A folder, or a .tar or .tar.gz archive, told by its bytes and not by its name. Throws BAD_INPUT_FILE. */
export async function openPath(path: string): Promise<EntrySource> {
  const about = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (about.isDirectory()) return openFolder(path);
  if (about.size === 0) throw new TeddyhubError('BAD_INPUT_FILE', `${path}: the file is empty.`);
  const gzipped = await isGzip(path);
  if (!gzipped && !(await isTar(path))) {
    throw new TeddyhubError('BAD_INPUT_FILE', `${path}: neither a folder nor a .tar or .tar.gz archive.`);
  }
  return openTar({
    name: path,
    bytes: about.size,
    gzipped,
    open: async () => createReadStream(path, { highWaterMark: CHUNK_BYTES }),
  });
}

const MAGIC = Buffer.from('ustar');
const MAGIC_AT = 257;

async function isTar(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(MAGIC.length), 0, MAGIC.length, MAGIC_AT);
    return buffer.equals(MAGIC);
  } finally {
    await file.close();
  }
}
