/** The members of a tar archive, plain or gzipped, in the order in which they lie there. */
import { PassThrough, pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { TeddyhubError } from '../../../domain/errors.js';
import { type Entry, type EntrySource, isLitter, LINK, normalisePath, tooLarge } from './entry.js';

const CHUNK_BYTES = 1 << 18;
/** Blocks of zeros end an archive. */
const BLOCK_BYTES = 512;
/** A gzip stream that grows beyond this much is looked at: deflate can make a thousand bytes of one. */
const BOMB_BYTES = 2 ** 30;
const BOMB_RATIO = 200;

/** Headers of V7 have no magic: their checksum says whether they are headers. */
const OPTIONS: Parameters<typeof extract>[0] & { allowUnknownFormat: boolean } = { allowUnknownFormat: true };

/** Something whose bytes can be streamed from the beginning. */
export interface TarFile {
  readonly name: string;
  readonly bytes: number;
  readonly gzipped: boolean;
  stream(): Promise<Readable>;
  close(): Promise<void>;
}

export function openTar(archive: TarFile): EntrySource {
  let consumed = 0;
  return {
    sequential: true,
    fraction: () => Math.min(1, consumed / Math.max(1, archive.bytes)),
    close: () => archive.close(),
    async *entries() {
      const file = await archive.stream();
      consumed = 0;
      file.on('data', (chunk: Buffer) => {
        consumed += chunk.byteLength;
      });
      const plain = archive.gzipped ? createGunzip({ chunkSize: CHUNK_BYTES }) : new PassThrough();
      const members = extract(OPTIONS);
      let produced = 0;
      let end: Buffer = Buffer.alloc(0);
      plain.on('data', (chunk: Buffer) => {
        produced += chunk.byteLength;
        end = chunk.byteLength < BLOCK_BYTES ? Buffer.concat([end, chunk]) : chunk;
        end = end.subarray(-BLOCK_BYTES);
        if (produced > BOMB_BYTES && produced > BOMB_RATIO * consumed) plain.destroy(bomb(archive));
      });
      const ended = new Promise<unknown>((resolve) => pipeline(file, plain, members, resolve));
      // What a member says of a broken archive is only that there is no more of it.
      const failure = async (error: unknown) => explain(archive, (await ended) ?? error);
      try {
        for await (const member of members) {
          const body = member as AsyncIterable<Buffer>;
          const entry = toEntry(member.header, body, failure);
          if (entry !== null) yield entry;
          member.resume();
        }
        // The reader does not miss what was cut off between two members.
        if (end.some((byte) => byte !== 0)) throw broken(archive.name, ENDLESS);
      } catch (error) {
        throw await failure(error);
      } finally {
        file.destroy();
      }
    },
  };
}

const ENDLESS = 'it is no whole tar archive (the zeros at its end are missing: it was cut off, or never closed)';

const LINKS = new Set(['link', 'symlink']);

type Failure = (error: unknown) => Promise<unknown>;

function toEntry(header: Header, body: AsyncIterable<Buffer>, failure: Failure): Entry | null {
  const { name, type, size = 0 } = header;
  const normal = normalisePath(name);
  if ('reason' in normal) return { kind: 'REFUSED', path: name, ...normal };
  const { path } = normal;
  if (path === '' || isLitter(path)) return null;
  // V7 has no type for folders.
  if (type === 'directory' || (type === 'file' && name.endsWith('/'))) return { kind: 'FOLDER', path };
  if (type !== 'file' && type !== 'contiguous-file') {
    return { kind: 'REFUSED', path, reason: LINKS.has(type ?? '') ? LINK : 'a device, not a file' };
  }
  return {
    kind: 'FILE',
    path,
    read: async (maxBytes) => {
      if (size > maxBytes) throw tooLarge(size, maxBytes);
      try {
        return await whole(body);
      } catch (error) {
        throw await failure(error);
      }
    },
    stream: async () => Readable.from(chunksOf(body, failure), { objectMode: false }),
  };
}

/** What `buffer` of node:stream/consumers answers, which takes a tenth of a small image's time to do so. */
async function whole(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

/** Iterated by hand: leaving a loop over the member would end the whole archive, and not only the reading of this one. */
async function* chunksOf(body: AsyncIterable<Buffer>, failure: Failure): AsyncGenerator<Buffer> {
  const chunks = body[Symbol.asyncIterator]();
  try {
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
  } catch (error) {
    throw await failure(error);
  }
}

const bomb = ({ name }: TarFile): TeddyhubError =>
  new TeddyhubError(
    'BAD_INPUT_FILE',
    `${name}: it unpacks to more than ${BOMB_RATIO} times its size, as decompression bombs do; give the unpacked files.`,
  );

function explain({ name, gzipped }: TarFile, error: unknown): unknown {
  if (error instanceof TeddyhubError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const reason = error instanceof Error ? error.message : String(error);
  if (code.startsWith('Z_')) return broken(name, `its gzip data is broken (${reason})`, error);
  if (/tar|header|end of data/i.test(reason)) {
    return broken(name, `it is no whole tar archive${gzipped ? ' in gzip' : ''} (${reason})`, error);
  }
  return error;
}

const broken = (name: string, reason: string, cause?: unknown): TeddyhubError =>
  new TeddyhubError('BAD_INPUT_FILE', `${name}: ${reason}; fetch the file again.`, { cause });
