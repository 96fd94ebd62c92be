/**
 * Garbage collection: removes what no row names. Objects are written before the rows that name them, so that a crash leaves
 * objects without rows; these, uploads that were given up, and what was deleted are what there is to collect.
 *
 * The order makes it safe beside running work. Candidates are listed first and the rows read after them, so a row that was
 * there at the listing, or came until the reading, keeps its objects. What was written within the grace period, or since the
 * hour before the oldest unfinished task was made, is kept: its row may be still to come. That hour is how long writers rely on
 * an object as it is; an older one they write anew first (`putByDigest`), which the last look at its age, right before its
 * removal, sees.
 */
import type { Database } from '../database/client.js';
import { isOwned } from '../object-store/keys.js';
import { type ListedObject, type ObjectStore, REFRESH_MS, type Upload } from '../object-store/object-store.js';
import { countExpired, type ExpiredRows, removeExpired } from './expired-rows.js';
import { keysInCheckpoints, oldestUnfinished, referencedKeys } from './references.js';

export interface CollectOptions {
  database: Database;
  store: ObjectStore;
  graceMs: number;
  /** Says what would be removed, and removes nothing. */
  dryRun: boolean;
  now?: Date;
  onRemoved?: (object: ListedObject) => void;
}

export interface Collected {
  dryRun: boolean;
  rows: ExpiredRows;
  objects: number;
  bytes: number;
  /** By the first part of the key. */
  byKind: Record<string, { objects: number; bytes: number }>;
  uploads: number;
  /** Named by no row, and too young to be removed. */
  kept: { objects: number; bytes: number };
  /** What was written since is kept. */
  before: Date;
}

export async function collectGarbage(options: CollectOptions): Promise<Collected> {
  const { database, store, graceMs, dryRun, now = new Date(), onRemoved } = options;
  const unfinished = await oldestUnfinished(database);
  const oldest = unfinished === null ? Number.POSITIVE_INFINITY : unfinished.getTime() - REFRESH_MS;
  const before = new Date(Math.min(now.getTime() - graceMs, oldest));
  // A dry run counts these rows, and therefore still sees their objects as named.
  const rows = dryRun ? await countExpired(database, now) : await removeExpired(database, now);
  const collected: Collected = {
    dryRun,
    rows,
    objects: 0,
    bytes: 0,
    byKind: {},
    uploads: await collectUploads(store, before, dryRun),
    kept: { objects: 0, bytes: 0 },
    before,
  };
  const listed: ListedObject[] = [];
  for await (const object of store.list('')) if (isOwned(object.key)) listed.push(object);
  // A task that ends meanwhile names in its result what its checkpoint named before: whichever is read later has it.
  const named = new Set(await keysInCheckpoints(database, store));
  for (const key of await referencedKeys(database)) named.add(key);
  for (const object of listed) {
    if (named.has(object.key)) continue;
    if (object.modifiedAt >= before || !(dryRun || (await isOld(store, object.key, before)))) {
      count(collected.kept, object);
      continue;
    }
    if (!dryRun) await store.delete(object.key);
    count(collected, object);
    const kind = object.key.slice(0, object.key.indexOf('/'));
    collected.byKind[kind] ??= { objects: 0, bytes: 0 };
    count(collected.byKind[kind], object);
    onRemoved?.(object);
  }
  return collected;
}

async function isOld(store: ObjectStore, key: string, before: Date): Promise<boolean> {
  const now = await store.stat(key);
  return now !== null && now.modifiedAt < before;
}

function count(sum: { objects: number; bytes: number }, { bytes }: ListedObject): void {
  sum.objects += 1;
  sum.bytes += bytes;
}

/** Whether parts have arrived since. A large file takes days over a slow line. */
async function isFed(store: ObjectStore, upload: Upload, before: Date): Promise<boolean> {
  const newest = await store.uploads.newestPart(upload);
  return newest !== null && newest >= before;
}

async function collectUploads(store: ObjectStore, before: Date, dryRun: boolean): Promise<number> {
  let uploads = 0;
  for await (const upload of store.uploads.list()) {
    if (!isOwned(upload.key) || upload.startedAt >= before || (await isFed(store, upload, before))) continue;
    if (!dryRun) await store.uploads.abort(upload);
    uploads += 1;
  }
  return uploads;
}
