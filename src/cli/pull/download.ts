/** One file from the service to a folder: whole and verified under its name, or beside it as a part to go on from. */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { TeddyhubError } from '../../domain/errors.js';
import { isAlive, self } from '../../platform/embedded/process.js';
import { withRetries } from '../../platform/object-store/retry.js';
import { type Remote, unreachable } from './remote.js';

export interface WantedFile {
  /** Below the set's URL and below the folder alike: `shards/000000.tar`. */
  path: string;
  /** sha256: and 64 hex digits. */
  digest: string;
  bytes: number;
}

/** Somebody may sit before it: a connection that breaks is taken up again for about ten seconds without a byte. */
export const PATIENCE = { attempts: 7, baseDelayMs: 100, maxDelayMs: 5_000 };

/** Nobody receives a file for so long without a byte: whose process is gone, and whose process cannot be seen. */
const GONE_MS = 1_000;
const ELSEWHERE_MS = 60_000;

/**
 * Fetches `file` below `folder`, unless it is already there with the right bytes; goes on where an earlier attempt broke off.
 * Throws OBJECT_CORRUPT, which names the file, when its bytes are not those of its digest; UNAVAILABLE when the answer breaks
 * off time and again; STORAGE_FULL. `onBytes` is told how many more bytes there are.
 */
export async function download(
  remote: Remote,
  folder: string,
  file: WantedFile,
  onBytes: (count: number) => void = () => undefined,
): Promise<'FETCHED' | 'PRESENT'> {
  const path = join(folder, file.path);
  if (await isIntact(path, file)) {
    onBytes(file.bytes);
    return 'PRESENT';
  }
  try {
    await mkdir(dirname(path), { recursive: true });
    const parts = partsOf(path, file);
    const part = await parts.own();
    let told = 0;
    const tell = (total: number) => {
      onBytes(total - told);
      told = total;
    };
    await gettingAhead(
      () => sizeOf(part),
      () => receive(remote, part, file, tell).catch((error) => Promise.reject(explain(error, file.path, folder))),
    );
    await keepIfIntact(part, path, file);
    for (const left of await parts.left()) await rm(left, { force: true });
    return 'FETCHED';
  } catch (error) {
    throw explain(error, file.path, folder);
  }
}

/**
 * Where the file is received, beside its place: a part of this process alone, as several may pull into one folder. It begins with the
 * largest that a process has left which is gone. By digest: what is left of another set's file of this name is no beginning of this one.
 */
function partsOf(path: string, { digest }: WantedFile) {
  const [folder, stem] = [dirname(path), `.${basename(path)}.${digest.slice(-16)}`];
  const [here, { pid, born }] = [hostname().replace(/[^A-Za-z0-9-]/g, '-'), self()];
  const own = join(folder, `${stem}.${here}.${pid}-${born}.part`);
  const left = async (): Promise<string[]> => {
    const found: { part: string; size: number }[] = [];
    for (const name of await readdir(folder)) {
      const part = join(folder, name);
      if (!name.startsWith(stem) || !name.endsWith('.part') || part === own) continue;
      const [host, who = ''] = name.slice(stem.length + 1).split('.');
      const [itsPid, itsBirth = ''] = who.split('-');
      // The process of another machine, or container, cannot be seen, and one of this name may be of a container that is called alike.
      const isGone = host === here && !isAlive({ pid: Number(itsPid), born: itsBirth });
      const size = await idleSize(part, isGone ? GONE_MS : ELSEWHERE_MS);
      if (size !== null) found.push({ part, size });
    }
    return found.sort((a, b) => b.size - a.size).map(({ part }) => part);
  };
  return {
    left,
    own: async (): Promise<string> => {
      for (const part of await left()) {
        // Of several that want it, one gets it.
        const taken = await rename(part, own).then(
          () => true,
          () => false,
        );
        if (taken) break;
      }
      return own;
    },
  };
}

/** The size of a part on which nothing was written for so long; null where it is written, or gone. Waits for it a moment, and not longer. */
async function idleSize(part: string, idleMs: number): Promise<number | null> {
  const look = () => stat(part).catch(() => null);
  const before = await look();
  if (before === null) return null;
  const missing = idleMs - (Date.now() - before.mtimeMs);
  if (missing > GONE_MS) return null;
  if (missing > 0) await wait(missing);
  const now = await look();
  return now !== null && now.mtimeMs === before.mtimeMs ? now.size : null;
}

/** Tries again for as long as every bout of tries has brought some bytes. */
async function gettingAhead(size: () => Promise<number>, receiveMore: () => Promise<void>): Promise<void> {
  for (;;) {
    const before = await size();
    try {
      return await withRetries(PATIENCE, isBroken, receiveMore);
    } catch (error) {
      if (!isBroken(error) || (await size()) <= before) throw error;
    }
  }
}

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

export const isBroken = (error: unknown): boolean => error instanceof TeddyhubError && error.code === 'UNAVAILABLE';

/** Adds to `part` what is missing of the file. */
async function receive(remote: Remote, part: string, file: WantedFile, tell: (total: number) => void): Promise<void> {
  const there = await sizeOf(part);
  if (there === file.bytes && there > 0) return tell(there);
  const { body, from } = await remote.open(file.path, there < file.bytes ? there : 0);
  let total = from;
  tell(total);
  await pipeline(
    Readable.fromWeb(body),
    async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        total += chunk.byteLength;
        tell(total);
        yield chunk;
      }
    },
    createWriteStream(part, { flags: from === 0 ? 'w' : 'a', flush: true }),
  );
  if (total < file.bytes) throw unreachable(file.path, new Error('the answer ended early'));
}

async function keepIfIntact(part: string, path: string, file: WantedFile): Promise<void> {
  const received = await digestOfFile(part);
  if (received.bytes === file.bytes && received.digest === file.digest) return rename(part, path);
  await rm(part, { force: true });
  throw corrupt(file, received);
}

async function digestOfFile(path: string): Promise<Received> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.byteLength;
  }
  return { digest: `sha256:${hash.digest('hex')}`, bytes };
}

/** Writes `folder`/`name` under a temporary name first; what fails leaves nothing. */
export async function writeWhole(folder: string, name: string, source: Readable): Promise<void> {
  const path = join(folder, name);
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.part`);
  try {
    await mkdir(dirname(path), { recursive: true });
    await pipeline(source, createWriteStream(temporary, { flags: 'wx', flush: true }));
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

export async function isIntact(path: string, file: WantedFile): Promise<boolean> {
  try {
    return (await stat(path)).size === file.bytes && (await digestOfFile(path)).digest === file.digest;
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
