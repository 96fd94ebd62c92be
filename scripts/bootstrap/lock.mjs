/** One set-up at a time in a checkout. The lock names its holder; that of a dead process is taken over. */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export async function withLock(path, onWait, work) {
  const mine = `${path}.${process.pid}`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(mine, identityOf(process.pid));
  try {
    let told = false;
    while (!tryLink(mine, path)) {
      if (takeOverIfStale(path, mine)) continue;
      if (!told) onWait(read(path)?.split(' ')[0]);
      told = true;
      await sleep(100);
    }
  } finally {
    rmSync(mine, { force: true });
  }
  const release = () => rmSync(path, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

/** link(2) is atomic, and the content is there from the start. */
function tryLink(from, to) {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function takeOverIfStale(path, mine) {
  const holder = read(path);
  if (holder === undefined) return true;
  if (holder === identityOf(Number.parseInt(holder, 10))) return false;
  try {
    renameSync(path, `${mine}.stale`);
  } catch {
    return true;
  }
  // Somebody else took the dead lock over between our look and our rename: what we moved is theirs, so give it back.
  if (read(`${mine}.stale`) !== holder) tryLink(`${mine}.stale`, path);
  rmSync(`${mine}.stale`, { force: true });
  return true;
}

/** "<pid> <time of birth>": a process id alone may have been given to somebody else. Undefined when it is dead. */
function identityOf(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== 'EPERM') return undefined;
  }
  const stat = read(`/proc/${pid}/stat`);
  return `${pid} ${stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''}`;
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
