/** The members of a zip archive, by its central directory. */
import { isUtf8 } from 'node:buffer';
import { pipeline, Readable, Transform } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import yauzl from 'yauzl';
import { TeddyhubError } from '../../../domain/errors.js';
import { UnusableRecord } from '../sample.js';
import type { Blob } from './blob.js';
import { type Entry, type EntrySource, isLitter, LINK, normalisePath, tooLarge } from './entry.js';

/** A member is taken for a bomb where it is larger than the first and grows by more than the second. */
const BOMB_BYTES = 16 * 2 ** 20;
const BOMB_RATIO = 200;
const PIECE_BYTES = 1 << 18;
/** So much of the directory is read at once. */
const DIRECTORY_PIECE_BYTES = 1 << 20;
/** The header that lies before a member's data. */
const LOCAL_HEADER_BYTES = 30;
const FILE_TYPE = 0o170000;
const LINK_TYPE = 0o120000;
/** Of the general purpose bits. */
const UTF8_NAME = 0x800;

/** Throws BAD_INPUT_FILE. */
export async function openZip(blob: Blob): Promise<EntrySource> {
  let seen = 0;
  let total = 0;
  return {
    sequential: false,
    fraction: () => seen / Math.max(1, total),
    close: () => blob.close(),
    async *entries() {
      try {
        // Names are decoded and checked here, so that one of them does not end the reading of the others.
        const options = { lazyEntries: true, autoClose: false, decodeStrings: false };
        const zip = await yauzl.fromRandomAccessReaderPromise(new BlobReader(blob), blob.bytes, options);
        total = zip.entryCount;
        seen = 0;
        for await (const member of zip.eachEntry()) {
          seen += 1;
          const entry = toEntry(zip, member);
          if (entry !== null) yield entry;
        }
      } catch (error) {
        if (error instanceof TeddyhubError) throw error;
        const reason = error instanceof Error ? error.message : String(error);
        const message = `${blob.name}: it is no whole zip archive (${reason}); fetch the file again.`;
        throw new TeddyhubError('BAD_INPUT_FILE', message, { cause: error });
      }
    },
  };
}

function toEntry(zip: yauzl.ZipFile, member: yauzl.Entry): Entry | null {
  const { generalPurposeBitFlag, fileNameRaw, extraFields } = member;
  // Programs that write UTF-8 without saying so are more than those that mean what the format says, which is cp437.
  const flags = isUtf8(fileNameRaw) ? generalPurposeBitFlag | UTF8_NAME : generalPurposeBitFlag;
  const name = yauzl.getFileNameLowLevel(flags, fileNameRaw, extraFields, false);
  const normal = normalisePath(name);
  if ('reason' in normal) return { kind: 'REFUSED', path: name, ...normal };
  const { path } = normal;
  if (path === '' || isLitter(path)) return null;
  if (name.endsWith('/')) return { kind: 'FOLDER', path };
  const refuse = (reason: string): Entry => ({ kind: 'REFUSED', path, reason });
  if (((member.externalFileAttributes >>> 16) & FILE_TYPE) === LINK_TYPE) return refuse(LINK);
  if (member.isEncrypted()) return refuse('it is encrypted');
  if (!member.canDecodeFileData()) return refuse('it is compressed in a way that is not supported');
  const { uncompressedSize: size, compressedSize } = member;
  if (size > BOMB_BYTES && size > BOMB_RATIO * compressedSize) {
    return refuse(`it unpacks to more than ${BOMB_RATIO} times its size, as decompression bombs do`);
  }
  // yauzl ends the stream where it holds more or less than the directory says, and looks at no checksum.
  const unpack = (): Promise<Readable> => zip.openReadStreamPromise(member);
  return {
    kind: 'FILE',
    path,
    read: async (maxBytes) => {
      if (size > maxBytes) throw tooLarge(size, maxBytes);
      const bytes = await unpack()
        .then(buffer)
        .catch((cause: unknown) => {
          // The archive cannot be read, for now or for ever: that says nothing about this member.
          if (cause instanceof TeddyhubError || (cause as NodeJS.ErrnoException).syscall) throw cause;
          throw new UnusableRecord('it cannot be unpacked', { cause });
        });
      if (crc32(bytes) !== member.crc32) throw new UnusableRecord(DAMAGED);
      return bytes;
    },
    stream: async () => pipeline(await unpack(), checked(path, member.crc32), () => undefined),
  };
}

const DAMAGED = 'it is damaged: its checksum is another';

/** Hands everything on, and fails at the end where it was not what the directory says. */
function checked(path: string, expected: number): Transform {
  let sum = 0;
  return new Transform({
    transform(chunk: Buffer, _, done) {
      sum = crc32(chunk, sum);
      done(null, chunk);
    },
    flush(done) {
      const right = sum === expected;
      done(right ? null : new TeddyhubError('BAD_INPUT_FILE', `${path}: ${DAMAGED}; fetch the file again.`));
    },
  });
}

/** yauzl makes two small reads of the directory for every member: each would be a request where the archive is an object. */
class BlobReader extends yauzl.RandomAccessReader {
  /** What was read of the directory last. */
  private ahead: { start: number; bytes: Buffer } = { start: 0, bytes: Buffer.alloc(0) };

  constructor(private readonly blob: Blob) {
    super();
  }

  override read(
    target: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    this.piece(position, length).then(
      (bytes) => {
        bytes.copy(target, offset);
        callback(bytes.byteLength === length ? null : new Error('it ends too early'));
      },
      (error: Error) => callback(error),
    );
  }

  private async piece(position: number, length: number): Promise<Buffer> {
    const at = position - this.ahead.start;
    const isAhead = at >= 0 && at <= this.ahead.bytes.length;
    if (isAhead && at + length <= this.ahead.bytes.length) return this.ahead.bytes.subarray(at, at + length);
    // Members are opened while the directory is read, and lie elsewhere.
    if (length === LOCAL_HEADER_BYTES && !isAhead) return this.blob.read(position, length);
    const bytes = await this.blob.read(position, Math.max(length, DIRECTORY_PIECE_BYTES));
    this.ahead = { start: position, bytes };
    return bytes.subarray(0, length);
  }

  override _readStreamForRange(start: number, end: number): Readable {
    const { blob } = this;
    async function* pieces() {
      for (let at = start; at < end; at += PIECE_BYTES) yield await blob.read(at, Math.min(PIECE_BYTES, end - at));
    }
    return Readable.from(pieces(), { objectMode: false });
  }
}
