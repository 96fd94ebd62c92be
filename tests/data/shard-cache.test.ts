import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { withShardCache } from '../../src/formats/shard-cache.js';
import { type ObjectStore, putByDigest } from '../../src/platform/object-store/object-store.js';
import { openObjectStore } from '../../src/platform/object-store/open-object-store.js';

describe('the shards that a worker keeps', () => {
  const MAX_BYTES = 2500;
  let folder: string;
  let cache: string;
  let store: ObjectStore;
  let fetched: string[];
  let cached: ObjectStore;
  const shard = async (n: number, folderOfStore: 'datasets' | 'labels' = 'datasets') =>
    (await putByDigest(store, folderOfStore, Buffer.alloc(1000, n), '.safetensors')).key;
  const bytesKept = async () => {
    const sizes = (await readdir(cache)).map(async (name) => (await stat(join(cache, name))).size);
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'teddyhub-cache-'));
    store = await openObjectStore({ kind: 'folder', path: join(folder, 'objects') });
  });
  after(() => rm(folder, { recursive: true }));
  beforeEach(async () => {
    cache = await mkdtemp(join(folder, 'cache-'));
    fetched = [];
    const watched: ObjectStore = {
      ...store,
      get(key, range) {
        fetched.push(key);
        return store.get(key, range);
      },
    };
    cached = withShardCache(watched, { folder: cache, maxBytes: MAX_BYTES });
  });

  it('are fetched once', async () => {
    const key = await shard(1);
    assert.deepEqual(await cached.get(key), await cached.get(key));
    assert.deepEqual(fetched, [key]);
  });

  it('stay below the limit, and those that were not read for longest go first', async () => {
    const keys = [await shard(1), await shard(2), await shard(3)] as const;
    await cached.get(keys[0]);
    await cached.get(keys[1]);
    const old = new Date(Date.now() - 60_000);
    for (const name of await readdir(cache)) await utimes(join(cache, name), old, old);
    await cached.get(keys[0]);
    await cached.get(keys[2]);
    assert.equal(await bytesKept(), 2000);
    fetched = [];
    await cached.get(keys[0]);
    await cached.get(keys[2]);
    assert.deepEqual(fetched, []);
    await cached.get(keys[1]);
    assert.deepEqual(fetched, [keys[1]]);
  });

  it('are fetched again where they were damaged', async () => {
    const key = await shard(1);
    await cached.get(key);
    const [name = ''] = await readdir(cache);
    await truncate(join(cache, name), 10);
    assert.equal((await cached.get(key)).length, 1000);
    assert.deepEqual(fetched, [key, key]);
  });

  it('are shards of datasets alone, and none that is larger than the limit or not what its name says', async () => {
    const large = (await putByDigest(store, 'datasets', Buffer.alloc(5000), '.safetensors')).key;
    const other = await shard(1, 'labels');
    const wrong = `datasets/${'0'.repeat(64)}.safetensors`;
    await store.put(wrong, Buffer.from('other bytes'));
    for (const key of [large, other, wrong]) await cached.get(key);
    assert.deepEqual(await readdir(cache), []);
  });

  it('are not needed: where they cannot be kept, they are read from the store', async () => {
    const key = await shard(1);
    const file = join(folder, 'file');
    await writeFile(file, '');
    const nowhere = withShardCache(store, { folder: join(file, 'cache'), maxBytes: MAX_BYTES });
    assert.equal((await nowhere.get(key)).length, 1000);
  });
});
