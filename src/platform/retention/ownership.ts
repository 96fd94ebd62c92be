/**
 * Whose objects a store holds. What no row names is garbage to the database that the objects were written for, and to no other: a
 * store bears the id of its database, in an object that is never collected.
 */
import { z } from 'zod';
import { TeddyhubError } from '../../domain/errors.js';
import type { Database } from '../database/client.js';
import { isOwned } from '../object-store/keys.js';
import type { ObjectStore } from '../object-store/object-store.js';
import { referencedKeys } from './references.js';

export const MARK = 'service.json';
const mark = z.object({ installation: z.uuid() });

/**
 * Whether the store is this database's. One without a mark is, where it holds nothing of a service, or something that this
 * database names. Throws OBJECT_CORRUPT where the mark cannot be read.
 */
export async function ownsStore(database: Database, store: ObjectStore): Promise<boolean> {
  const { id } = await database.installation.findFirstOrThrow();
  return (await store.stat(MARK)) === null ? mayTake(database, store) : (await readMark(store)) === id;
}

/** Makes the store this database's, whosever it was. */
export async function markStore(database: Database, store: ObjectStore): Promise<void> {
  const { id } = await database.installation.findFirstOrThrow();
  await store.put(MARK, Buffer.from(JSON.stringify({ installation: id })));
}

async function readMark(store: ObjectStore): Promise<string> {
  const text = (await store.get(MARK)).toString();
  try {
    return mark.parse(JSON.parse(text)).installation;
  } catch {
    throw new TeddyhubError(
      'OBJECT_CORRUPT',
      `${MARK} of the object store cannot be read: run \`teddyhub gc --adopt\` where you know that the store is this database's.`,
    );
  }
}

async function mayTake(database: Database, store: ObjectStore): Promise<boolean> {
  let named: Set<string> | undefined;
  for await (const { key } of store.list('')) {
    if (!isOwned(key)) continue;
    named ??= await referencedKeys(database);
    if (named.has(key)) return true;
  }
  return named === undefined;
}
