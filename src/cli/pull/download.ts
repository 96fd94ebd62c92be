/** One file from the service to a folder: whole and verified under its name, or not there at all. */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TeddyhubError } from '../../domain/errors.js';
import { type Remote, unreachable } from './remote.js';

export interface WantedFile {
  /** Below the set's URL and below the folder alike: `shards/000000.tar`. */
  path: string;
  /** sha256: and 64 hex digits. */
  digest: string;
  bytes: number;
}

/**
 * Fetches `file` below `folder`, unless it is already there with the right bytes. Throws OBJECT_CORRUPT, which names the
 * file, when its bytes are not those of its digest; UNAVAILABLE when the answer breaks off; STORAGE_FULL.
 */
export async function download(remote: Remote, folder: string, file: WantedFile): Promise<'FETCHED' | 'PRESENT'> {
  const path = join(folder, file.path);
  if (await isIntact(path, file)) return 'PRESENT';
  const body = await remote.open(file.path);
  await writeWhole(folder, file.path, Readable.fromWeb(body), (received) => {
    if (received.bytes !== file.bytes || received.digest !== file.digest) throw corrupt(file, received);
  });
  return 'FETCHED';
}

/** Writes `folder`/`name` under a temporary name first; `check` may refuse what came, and then nothing is left. */
export async function writeWhole(
  folder: string,
  name: string,
  source: Readable,
  check?: (received: Received) => void,
): Promise<void> {
  const path = join(folder, name);
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.part`);
  try {
    await mkdir(dirname(path), { recursive: true });
    const received = await receive(source, temporary);
    check?.(received);
    await rename(temporary, path);
  } catch (error) {
    source.destroy();
    // What failed first is what is told.
    await rm(temporary, { force: true }).catch(() => undefined);
    throw explain(error, name, folder);
  }
}

interface Received {
  digest: string;
  bytes: number;
}

/** Writes a stream to a file that must not be there yet; answers what came. */
async function receive(source: Readable, path: string): Promise<Received> {
  const hash = createHash('sha256');
  let bytes = 0;
  await pipeline(
    source,
    async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        bytes += chunk.byteLength;
        yield chunk;
      }
    },
    createWriteStream(path, { flags: 'wx', flush: true }),
  );
  return { digest: `sha256:${hash.digest('hex')}`, bytes };
}

async function isIntact(path: string, file: WantedFile): Promise<boolean> {
  try {
    if ((await stat(path)).size !== file.bytes) return false;
    const hash = createHash('sha256');
    await pipeline(createReadStream(path), hash);
    return `sha256:${hash.digest('hex')}` === file.digest;
  } catch {
    // Unreadable is as good as absent: the write will say what is wrong with it.
    return false;
  }
}

function corrupt(file: WantedFile, received: Received): TeddyhubError {
  const seen = received.bytes === file.bytes ? received.digest : `${received.bytes} bytes instead of ${file.bytes}`;
  const message = `${file.path} did not arrive as the manifest says (${file.digest}, but got ${seen}): it is refused. Run the same command again; if it stays so, the stored object is damaged.`;
  return new TeddyhubError('OBJECT_CORRUPT', message);
}

/** What failed here: the disk, whose errors name a system call, or the connection. */
function explain(error: unknown, name: string, folder: string): unknown {
  if (error instanceof TeddyhubError || !(error instanceof Error)) return error;
  const code = 'code' in error ? String(error.code) : '';
  if (['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code)) {
    const message = `No room left in ${folder} for ${name}: free some space, then run the same command again.`;
    return new TeddyhubError('STORAGE_FULL', message, { cause: error });
  }
  if ('path' in error) {
    const message = `${join(folder, name)} cannot be written (${code}): choose another folder with --to.`;
    return new TeddyhubError('INVALID_INPUT', message, { cause: error });
  }
  return unreachable(name, error);
}
