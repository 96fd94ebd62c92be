/**
 * Whose objects a store holds. What no row names is garbage to the database that the objects were written for, and to no other: a
 * store bears the id of its database, in an object that is never collected.
 */
import { z } from 'zod';
import { TeddyhubError } from '../../domain/errors.js';
import type { Database } from '../database/client.js';
import { OWNED_PREFIXES } from '../object-store/keys.js';
import type { ObjectStore } from '../object-store/object-store.js';
import { referencedKeys } from './references.js';

export const MARK = 'service.json';
const mark = z.object({ installation: z.uuid() });

/**
 * Whose the store is, seen from this database. One without a mark is FREE where it holds nothing of a service, or mostly what this
 * database names: datasets that both have are the same objects. Throws OBJECT_CORRUPT where the mark cannot be read.
 */
export async function ownerOf(database: Database, store: ObjectStore): Promise<'OURS' | 'FREE' | 'OTHERS'> {
  const { id } = await database.installation.findFirstOrThrow();
  if ((await store.stat(MARK)) !== null) return (await readMark(store)) === id ? 'OURS' : 'OTHERS';
  return (await isMostlyNamed(database, store)) ? 'FREE' : 'OTHERS';
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

async function isMostlyNamed(database: Database, store: ObjectStore): Promise<boolean> {
  let named: Set<string> | undefined;
  const found = { named: 0, all: 0 };
  for (const prefix of OWNED_PREFIXES) {
    for await (const { key } of store.list(prefix)) {
      named ??= await referencedKeys(database);
      found.all += 1;
      if (named.has(key)) found.named += 1;
    }
  }
  return 2 * found.named >= found.all;
}
