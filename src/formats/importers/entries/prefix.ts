/** The objects whose keys begin with a prefix. */
import type { ObjectStore } from '../../../platform/object-store/object-store.js';
import { objectBlob } from './blob.js';
import { type Entry, type EntrySource, isLitter, normalisePath, tooLarge } from './entry.js';

export async function openPrefix(store: ObjectStore, prefix: string): Promise<EntrySource> {
  const folder = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
  let total = 0;
  for await (const _ of store.list(folder)) total += 1;
  let seen = 0;
  return {
    sequential: false,
    fraction: () => Math.min(1, seen / Math.max(1, total)),
    close: async () => undefined,
    async *entries() {
      seen = 0;
      for await (const { key, bytes } of store.list(folder)) {
        seen += 1;
        const name = key.slice(folder.length);
        // Consoles make empty objects to show folders.
        if (name === '' || name.endsWith('/') || isLitter(name)) continue;
        yield toEntry(store, key, name, bytes);
      }
    },
  };
}

function toEntry(store: ObjectStore, key: string, name: string, bytes: number): Entry {
  const normal = normalisePath(name);
  if ('reason' in normal) return { kind: 'REFUSED', path: name, ...normal };
  return {
    kind: 'FILE',
    path: normal.path,
    async read(maxBytes) {
      if (bytes > maxBytes) throw tooLarge(bytes, maxBytes);
      return store.get(key);
    },
    stream: () => store.stream(key),
    blob: async () => objectBlob(store, key, bytes, name),
  };
}
