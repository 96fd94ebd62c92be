/** Reads a file in exact pieces, through gunzip where its first bytes say gzip, holding one chunk in memory. */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { TeddyhubError } from '../../domain/errors.js';

export interface ByteReader {
  /** The next `length` bytes, or fewer at the end of the file. */
  read(length: number): Promise<Buffer>;
  close(): void;
}

const CHUNK_BYTES = 1 << 18;
const GZIP_MAGIC = Buffer.of(0x1f, 0x8b);

export const openByteReader = (path: string): ByteReader =>
  byteReader(path, createReadStream(path, { highWaterMark: CHUNK_BYTES }));

/** `read` throws BAD_INPUT_FILE with one line that begins with `name`. */
export function byteReader(name: string, file: Readable): ByteReader {
  const chunks = unzipped(file);
  let held: Buffer[] = [];
  let heldBytes = 0;
  return {
    async read(length) {
      while (heldBytes < length) {
        const next = await chunks.next().catch((error: unknown) => {
          throw unreadable(name, error);
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
    close: () => void file.destroy(),
  };
}

/** What a stream holds, or what its gzip data holds. */
async function* unzipped(file: Readable): AsyncGenerator<Buffer, void, undefined> {
  const chunks = file[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const first = await chunks.next();
  if (first.done === true) return;
  const rest = { [Symbol.asyncIterator]: () => chunks };
  if (!first.value.subarray(0, 2).equals(GZIP_MAGIC)) {
    yield first.value;
    yield* rest;
    return;
  }
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  const feed = async () => {
    gunzip.write(first.value);
    for await (const chunk of rest) {
      if (!gunzip.write(chunk)) await new Promise((resolve) => gunzip.once('drain', resolve));
    }
    gunzip.end();
  };
  feed().catch((error: Error) => gunzip.destroy(error));
  yield* gunzip as AsyncIterable<Buffer>;
}

const READ_ERRORS: Record<string, string> = {
  ENOENT: 'there is no such file',
  EACCES: 'no permission to read it',
  EISDIR: 'it is a folder; give the file itself',
};

export function unreadable(path: string, error: unknown): TeddyhubError {
  if (error instanceof TeddyhubError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const reason = code.startsWith('Z_')
    ? `its gzip data is broken (${error instanceof Error ? error.message : code}); fetch the file again`
    : (READ_ERRORS[code] ?? `it cannot be read (${code || 'unknown reason'})`);
  return new TeddyhubError('BAD_INPUT_FILE', `${path}: ${reason}.`, { cause: error });
}
