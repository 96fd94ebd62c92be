import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { TeddyhubError } from '../../src/domain/errors.js';
import { getVerified, type ObjectStore, putByDigest } from '../../src/platform/object-store/object-store.js';
import { openObjectStore } from '../../src/platform/object-store/open-object-store.js';
import { type S3Server, startSeaweedfs } from '../support/seaweedfs.js';
import { until } from '../support/until.js';

const failsWith = (code: string, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof TeddyhubError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, words);
  assert.doesNotMatch(error.message, /\n/);
  return true;
};

const text = async (stream: Promise<NodeJS.ReadableStream>) => (await buffer(await stream)).toString();

async function keysOf(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.list(prefix)) keys.push(key);
  return keys.sort();
}

/** What every implementation owes. */
function keepsTheContract(open: () => Promise<ObjectStore>): void {
  let store: ObjectStore;
  before(async () => {
    store = await open();
  });

  it('gives back what was put, by parts as well, and what was put last', async () => {
    await store.put('a/b.bin', Buffer.from('first'));
    await store.put('a/b.bin', Buffer.from('0123456789'));
    assert.equal((await store.get('a/b.bin')).toString(), '0123456789');
    assert.equal(await store.size('a/b.bin'), 10);
    assert.equal(await text(store.stream('a/b.bin')), '0123456789');
    assert.equal(await text(store.stream('a/b.bin', { start: 3, length: 4 })), '3456');
  });

  it('keeps empty objects, views of larger buffers, and 20 MB', async () => {
    await store.put('empty', new Uint8Array(0));
    assert.equal((await store.get('empty')).byteLength, 0);
    await store.put('view', new Uint8Array([9, 1, 2, 3, 9]).subarray(1, 4));
    assert.deepEqual([...(await store.get('view'))], [1, 2, 3]);
    const large = Buffer.alloc(20 * 2 ** 20, 'teddy');
    const ref = await putByDigest(store, 'large', large, '.bin');
    assert.ok((await getVerified(store, ref)).equals(large));
  });

  it('says by name that an object is missing', async () => {
    assert.equal(await store.size('not/there'), null);
    await assert.rejects(store.get('not/there'), failsWith('OBJECT_MISSING', /not\/there/));
    await assert.rejects(store.stream('not/there'), failsWith('OBJECT_MISSING', /not\/there/));
  });

  it('lists by prefix and deletes, twice without complaint', async () => {
    for (const key of ['list/one', 'list/deep/two', 'listed']) await store.put(key, Buffer.from(key));
    assert.deepEqual(await keysOf(store, 'list/'), ['list/deep/two', 'list/one']);
    await store.delete('list/one');
    await store.delete('list/one');
    assert.deepEqual(await keysOf(store, 'list/'), ['list/deep/two']);
  });

  it('refuses keys that could leave the store', async () => {
    for (const key of ['', '/etc/passwd', '../up', 'a/../b', 'a//b', '.hidden', 'a b', `a/${'x'.repeat(600)}`]) {
      await assert.rejects(store.put(key, Buffer.from('x')), failsWith('INVALID_INPUT', /not a valid object key/), key);
    }
  });

  it('refuses changed bytes by name, and mends them when they are made again', async () => {
    const bytes = Buffer.from('these bytes were counted');
    const ref = await putByDigest(store, 'shards', bytes, '.tar');
    await store.put(ref.key, Buffer.from('these bytes were changed'));
    await assert.rejects(getVerified(store, ref), failsWith('OBJECT_CORRUPT', new RegExp(ref.key)));
    assert.deepEqual(await putByDigest(store, 'shards', bytes, '.tar'), ref);
    assert.ok((await getVerified(store, ref)).equals(bytes));
  });

  it('takes the same object from several writers at once', async () => {
    const bytes = Buffer.alloc(100_000, 7);
    const refs = await Promise.all(Array.from({ length: 8 }, () => putByDigest(store, 'raced', bytes, '.bin')));
    assert.equal(new Set(refs.map(({ key }) => key)).size, 1);
    assert.ok((await getVerified(store, refs[0]!)).equals(bytes));
    assert.equal((await keysOf(store, 'raced/')).length, 1);
  });
}

describe('the folder object store', () => {
  let folder: string;
  const scratch = async () => {
    folder ??= await mkdtemp(join(tmpdir(), 'teddyhub-store-'));
    return folder;
  };
  after(async () => rm(await scratch(), { recursive: true, force: true }));

  keepsTheContract(async () => openObjectStore({ kind: 'folder', path: join(await scratch(), 'objects') }));

  it('has no URLs of its own', async () => {
    const store = await openObjectStore({ kind: 'folder', path: join(await scratch(), 'objects') });
    assert.equal(await store.presign('a/b.bin', 60), null);
  });

  it('does not open where a file is in the way', async () => {
    const path = join(await scratch(), 'a-file');
    await writeFile(path, '');
    await assert.rejects(openObjectStore({ kind: 'folder', path }), failsWith('BAD_CONFIGURATION', /a-file/));
  });

  it('ends in STORAGE_FULL on a full disk, and leaves neither the object nor a part of it', async (context) => {
    const path = join(await scratch(), 'small-disk');
    await mkdir(path);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', path]).status === 0;
    if (!mounted) return context.skip('mounting a small disk is not allowed here');
    try {
      const store = await openObjectStore({ kind: 'folder', path });
      await store.put('shards/small', Buffer.alloc(1_000, 1));
      const large = store.put('shards/large', Buffer.alloc(2 ** 20, 2));
      await assert.rejects(large, failsWith('STORAGE_FULL', /small-disk: free some space/));
      assert.deepEqual(await readdir(join(path, 'shards')), ['small']);
      await store.put('shards/after', Buffer.alloc(1_000, 3));
    } finally {
      spawnSync('umount', [path]);
    }
  });

  it('ends in STORAGE_FULL at a quota too', async () => {
    const path = join(await scratch(), 'quota');
    const module = new URL('../../src/platform/object-store/folder-object-store.js', import.meta.url).href;
    const script = `
      const { openFolderObjectStore } = await import(${JSON.stringify(module)});
      const store = await openFolderObjectStore(${JSON.stringify(path)});
      const error = await store.put('shards/large', Buffer.alloc(2 ** 20, 2)).catch((error) => error);
      process.stdout.write(error.code + ': ' + error.message);`;
    // Files of more than 64 KiB end in EFBIG for this child.
    const command = 'ulimit -f 64; exec "$0" --input-type=module -e "$1"';
    const child = spawnSync('bash', ['-c', command, process.execPath, script], { encoding: 'utf8' });
    assert.match(child.stdout, /^STORAGE_FULL: No room left in .*quota: free some space, then retry\.$/, child.stderr);
    assert.deepEqual(await readdir(join(path, 'shards')), []);
  });
});

describe('the S3 object store', () => {
  let server: S3Server;
  let config: ReturnType<S3Server['config']>;
  before(async () => {
    server = await startSeaweedfs();
    config = server.config('contract');
  });
  after(() => server?.close());

  keepsTheContract(() => openObjectStore(config));

  it('gives outsiders a URL for one object, whole or a part of it', async () => {
    const store = await openObjectStore(config);
    await store.put('public/shard.tar', Buffer.from('0123456789'));
    const url = (await store.presign('public/shard.tar', 60)) ?? '';
    assert.equal(await (await fetch(url)).text(), '0123456789');
    const part = await fetch(url, { headers: { range: 'bytes=2-4' } });
    assert.deepEqual([part.status, await part.text()], [206, '234']);
  });

  it('lets nobody in without such a URL, with another object, or after its time', async () => {
    const store = await openObjectStore(config);
    await store.put('public/other.tar', Buffer.from('secret'));
    const url = (await store.presign('public/shard.tar', 1)) ?? '';
    const statusOf = async (address: string) => {
      const answer = await fetch(address);
      await answer.arrayBuffer();
      return answer.status;
    };
    assert.equal(await statusOf(url.split('?')[0]!), 403);
    assert.equal(await statusOf(url.replace('shard.tar', 'other.tar')), 403);
    await until('the URL expires', async () => (await statusOf(url)) === 403);
  });

  it('signs URLs for the endpoint that outsiders reach', async () => {
    const store = await openObjectStore({ ...config, publicEndpoint: 'https://data.example.org:9443' });
    assert.equal(new URL((await store.presign('public/shard.tar', 60)) ?? '').host, 'data.example.org:9443');
  });

  it('says what to check when keys are wrong or nobody answers', async () => {
    const stranger = openObjectStore({ ...config, secretKey: 'not-the-secret' });
    await assert.rejects(stranger, failsWith('BAD_CONFIGURATION', /S3_ACCESS_KEY, S3_SECRET_KEY/));
    const nobody = openObjectStore({ ...config, endpoint: 'http://127.0.0.1:1' });
    await assert.rejects(nobody, failsWith('UNAVAILABLE', /127\.0\.0\.1:1 .*ECONNREFUSED.*check S3_ENDPOINT/));
  });

  it('opens a bucket that several processes make at once', async () => {
    const stores = await Promise.all(Array.from({ length: 4 }, () => openObjectStore(server.config('made-at-once'))));
    await stores[0]!.put('here', Buffer.from('x'));
    assert.equal(await stores[3]!.size('here'), 1);
  });
});
