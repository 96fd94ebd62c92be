/** A lock between processes: a file that names its holder. A dead holder's lock is taken over. */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { TeddyhubError } from '../../domain/errors.js';
import { isAlive, type ProcessIdentity, self } from './process.js';

const WAIT_MS = 90_000;

/** Runs `work` while holding `path`; waits for a living holder, up to 90 s. Not reentrant. */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const mine = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  const deadline = Date.now() + WAIT_MS;
  writeFileSync(mine, JSON.stringify(self()), { mode: 0o600 });
  try {
    while (!tryLink(mine, path)) {
      if (Date.now() > deadline) {
        throw new TeddyhubError('UNAVAILABLE', `${path} is held by another process: wait for it, or end it.`);
      }
      if (!takeOverIfStale(path, mine)) await sleep(50);
    }
  } finally {
    rmSync(mine, { force: true });
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** link(2) is atomic and the content is there from the start: nobody ever reads half a lock. */
function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function takeOverIfStale(path: string, mine: string): boolean {
  const held = read(path);
  if (held === undefined) return true;
  if (isHolderAlive(held)) return false;
  const grave = `${mine}.stale`;
  try {
    renameSync(path, grave);
  } catch {
    return true;
  }
  // Somebody else took the dead lock over between our look and our rename: what we moved is theirs, so give it back.
  if (read(grave) !== held) tryLink(grave, path);
  rmSync(grave, { force: true });
  return true;
}

/** A power cut may leave a file without its content: nobody of before it is alive. */
function isHolderAlive(held: string): boolean {
  try {
    return isAlive(JSON.parse(held) as ProcessIdentity);
  } catch {
    return false;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
