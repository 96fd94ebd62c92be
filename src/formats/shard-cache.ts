/**
 * Dataset shards on a worker's own disk, so that tasks on one machine fetch them from S3 once. Bounded in bytes: what was not
 * read for longest goes first. A shard's name is its digest, and bytes that are not those of it are fetched again.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf, type ObjectStore } from '../platform/object-store/object-store.js';

const SHARD = /^datasets\/([0-9a-f]{64})\.safetensors$/;

/** The store, with the shards of datasets read through a cache in `folder` of up to `maxBytes`. Several processes may share it. */
export function withShardCache(
  store: ObjectStore,
  { folder, maxBytes }: { folder: string; maxBytes: number },
): ObjectStore {
  return {
    ...store,
    async get(key, range) {
      const hex = SHARD.exec(key)?.[1];
      if (hex === undefined || range !== undefined) return store.get(key, range);
      const path = join(folder, hex);
      const cached = await readFile(path).catch(() => null);
      if (cached !== null && digestOf(cached) === `sha256:${hex}`) {
        const now = new Date();
        await utimes(path, now, now).catch(() => undefined);
        return cached;
      }
      const bytes = await store.get(key);
      if (bytes.byteLength <= maxBytes && digestOf(bytes) === `sha256:${hex}`)
        await keep(folder, path, bytes, maxBytes);
      return bytes;
    },
  };
}

/** A cache that cannot be written is slow and nothing worse. */
async function keep(folder: string, path: string, bytes: Buffer, maxBytes: number): Promise<void> {
  const temporary = join(folder, `.${randomUUID()}`);
  try {
    await mkdir(folder, { recursive: true });
    await makeRoom(folder, maxBytes - bytes.byteLength);
    await writeFile(temporary, bytes);
    await rename(temporary, path);
  } catch {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** Another process may remove the same file, or read it: an open file can still be read. */
async function makeRoom(folder: string, atMost: number): Promise<void> {
  const names = await readdir(folder);
  const files = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const about = await stat(path).catch(() => null);
      return { path, bytes: about?.size ?? 0, used: about?.mtimeMs ?? 0 };
    }),
  );
  let total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { path, bytes } of files.sort((a, b) => a.used - b.used)) {
    if (total <= atMost) return;
    await rm(path, { force: true });
    total -= bytes;
  }
}
