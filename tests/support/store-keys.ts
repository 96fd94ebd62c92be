import type { ObjectStore } from '../../src/platform/object-store/object-store.js';

/** Every key of a store below a prefix, in order. */
export async function keysOf(store: ObjectStore, prefix = ''): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys.sort();
}
