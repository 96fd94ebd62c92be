/** Reads a file in exact pieces, through gunzip where its first bytes say gzip, holding one chunk in memory. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { TeddyhubError } from '../../domain/errors.js';

export interface ByteReader {
  /** The next `length` bytes, or fewer at the end of the file. */
  read(length: number): Promise<Buffer>;
  close(): void;
}

const GZIP_MAGIC = 0x1f8b;

/** Throws BAD_INPUT_FILE with one line that names the file, here and in `read`. */
export async function openByteReader(path: string): Promise<ByteReader> {
  const gzipped = await isGzip(path);
  const file = createReadStream(path, { highWaterMark: 1 << 18 });
  const source: Readable = gzipped ? file.pipe(createGunzip({ chunkSize: 1 << 18 })) : file;
  // pipe() does not hand errors on.
  if (gzipped) file.on('error', (error) => source.destroy(error));
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let held: Buffer[] = [];
  let heldBytes = 0;

  return {
    async read(length) {
      while (heldBytes < length) {
        const next = await chunks.next().catch((error: unknown) => {
          throw unreadable(path, error);
        });
        if (next.done === true) break;
        held.push(next.value);
        heldBytes += next.value.byteLength;
      }
      const all = held.length === 1 && held[0] !== undefined ? held[0] : Buffer.concat(held);
      const piece = all.subarray(0, length);
      held = piece.byteLength === all.byteLength ? [] : [all.subarray(length)];
      heldBytes -= piece.byteLength;
      return piece;
    },
    close() {
      file.destroy();
      source.destroy();
    },
  };
}

export async function isGzip(path: string): Promise<boolean> {
  try {
    const handle = await open(path);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
      return bytesRead === 2 && buffer.readUInt16BE(0) === GZIP_MAGIC;
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

const READ_ERRORS: Record<string, string> = {
  ENOENT: 'there is no such file',
  EACCES: 'no permission to read it',
  EISDIR: 'it is a folder; give the file itself',
};

export function unreadable(path: string, error: unknown): TeddyhubError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const reason = code.startsWith('Z_')
    ? `its gzip data is broken (${error instanceof Error ? error.message : code}); fetch the file again`
    : (READ_ERRORS[code] ?? `it cannot be read (${code || 'unknown reason'})`);
  return new TeddyhubError('BAD_INPUT_FILE', `${path}: ${reason}.`, { cause: error });
}
