/** What every object store owes. */
import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { before, describe, it } from 'node:test';
import {
  digestOf,
  getVerified,
  MIN_PART_BYTES,
  type ObjectStore,
  putByDigest,
} from '../../src/platform/object-store/object-store.js';
import { failureWith } from './failure.js';

const text = async (stream: Promise<NodeJS.ReadableStream>) => (await buffer(await stream)).toString();

/** All that comes. */
async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const keysOf = async (store: ObjectStore, prefix: string): Promise<string[]> =>
  (await all(store.list(prefix))).map(({ key }) => key).sort();

export function keepsTheContract(open: () => Promise<ObjectStore>): void {
  let store: ObjectStore;
  before(async () => {
    store = await open();
  });

  it('gives back what was put, by parts as well, and what was put last', async () => {
    await store.put('a/b.bin', Buffer.from('first'));
    await store.put('a/b.bin', Buffer.from('0123456789'));
    assert.equal((await store.get('a/b.bin')).toString(), '0123456789');
    assert.equal((await store.stat('a/b.bin'))?.bytes, 10);
    assert.equal((await store.get('a/b.bin', { start: 8, length: 2 })).toString(), '89');
    assert.equal(await text(store.stream('a/b.bin')), '0123456789');
    assert.equal(await text(store.stream('a/b.bin', { start: 3, length: 4 })), '3456');
  });

  it('keeps empty objects, views of larger buffers, and 20 MB', async () => {
    await store.put('empty', new Uint8Array(0));
    assert.equal((await store.get('empty')).byteLength, 0);
    await store.put('view', new Uint8Array([9, 1, 2, 3, 9]).subarray(1, 4));
    assert.deepEqual([...(await store.get('view'))], [1, 2, 3]);
    const large = Buffer.alloc(20 * 2 ** 20, 'teddy');
    const ref = await putByDigest(store, 'synthetic', large, '.bin');
    assert.ok((await getVerified(store, ref)).equals(large));
  });

  it('says by name that an object is missing', async () => {
    assert.equal(await store.stat('not/there'), null);
    await assert.rejects(store.get('not/there'), failureWith('OBJECT_MISSING', /not\/there/));
    await assert.rejects(store.stream('not/there'), failureWith('OBJECT_MISSING', /not\/there/));
  });

  it('lists by prefix and deletes, twice without complaint', async () => {
    for (const key of ['list/one', 'list/deep/two', 'listed']) await store.put(key, Buffer.from(key));
    assert.deepEqual(await keysOf(store, 'list/'), ['list/deep/two', 'list/one']);
    await store.delete('list/one');
    await store.delete('list/one');
    assert.deepEqual(await keysOf(store, 'list/'), ['list/deep/two']);
  });

  it('refuses keys that could leave the store', async () => {
    for (const key of [
      '',
      '/etc/passwd',
      '../up',
      'a/../b',
      'a//b',
      '.hidden',
      'a b',
      'imports/../up',
      'imports//a',
      `a/${'x'.repeat(1100)}`,
    ]) {
      await assert.rejects(
        store.put(key, Buffer.from('x')),
        failureWith('INVALID_INPUT', /not a valid object key/),
        key,
      );
    }
  });

  it('refuses changed bytes by name, and mends them when they are made again', async () => {
    const bytes = Buffer.from('these bytes were counted');
    const ref = await putByDigest(store, 'distilled-sets', bytes, '.tar');
    await store.put(ref.key, Buffer.from('these bytes were changed'));
    await assert.rejects(getVerified(store, ref), failureWith('OBJECT_CORRUPT', new RegExp(ref.key)));
    assert.deepEqual(await putByDigest(store, 'distilled-sets', bytes, '.tar'), ref);
    assert.ok((await getVerified(store, ref)).equals(bytes));
  });

  it('takes the same object from several writers at once', async () => {
    const bytes = Buffer.alloc(100_000, 7);
    const refs = await Promise.all(Array.from({ length: 8 }, () => putByDigest(store, 'labels', bytes, '.bin')));
    assert.equal(new Set(refs.map(({ key }) => key)).size, 1);
    assert.ok((await getVerified(store, refs[0]!)).equals(bytes));
    assert.equal((await keysOf(store, 'labels/')).length, 1);
  });

  it('tells how large an object is and when it was written', async () => {
    const before = Date.now();
    await store.put('told/one', Buffer.from('12345'));
    const [listed] = await all(store.list('told/'));
    const stat = await store.stat('told/one');
    assert.deepEqual([listed?.key, listed?.bytes, stat?.bytes], ['told/one', 5, 5]);
    for (const time of [listed?.modifiedAt, stat?.modifiedAt]) {
      assert.ok(Math.abs((time?.getTime() ?? 0) - before) < 60_000, String(time));
    }
  });

  it('lists more than a page of objects', async () => {
    const keys = Array.from({ length: 1_050 }, (_, i) => `pages/${String(i).padStart(4, '0')}`);
    for (let at = 0; at < keys.length; at += 50) {
      await Promise.all(keys.slice(at, at + 50).map((key) => store.put(key, Buffer.from('x'))));
    }
    assert.deepEqual(await keysOf(store, 'pages/'), keys);
  });

  it('refuses bytes that are not those of their digest, and writes nothing', async () => {
    const digest = digestOf(Buffer.from('what was meant'));
    await assert.rejects(
      store.put('refused', Buffer.from('what came'), digest),
      failureWith('OBJECT_CORRUPT', /refused/),
    );
    assert.equal(await store.stat('refused'), null);
    await store.put('refused', Buffer.from('what was meant'), digest);
    assert.equal((await store.get('refused')).toString(), 'what was meant');
  });

  describe('uploads in parts', () => {
    const first = Buffer.alloc(MIN_PART_BYTES, 'first');
    const last = Buffer.from('last');

    it('make one object of what came in any order, which shows only then', async () => {
      const upload = { key: 'parts/one.tar', id: await store.uploads.begin('parts/one.tar') };
      const tags = [await store.uploads.put(upload, 2, last), await store.uploads.put(upload, 1, first)];
      assert.equal(await store.stat(upload.key), null);
      assert.deepEqual(await keysOf(store, 'parts/'), []);
      const [of2 = '', of1 = ''] = tags;
      await store.uploads.complete(upload, [
        { number: 2, tag: of2 },
        { number: 1, tag: of1 },
      ]);
      assert.ok((await store.get(upload.key)).equals(Buffer.concat([first, last])));
      assert.equal((await idsOf(store)).includes(upload.id), false);
    });

    it('are listed until they are given up, and then leave nothing', async () => {
      const upload = { key: 'parts/two.tar', id: await store.uploads.begin('parts/two.tar') };
      await store.uploads.put(upload, 1, last);
      assert.ok((await idsOf(store)).includes(upload.id));
      await store.uploads.abort(upload);
      await store.uploads.abort(upload);
      assert.equal((await idsOf(store)).includes(upload.id), false);
      assert.equal(await store.stat(upload.key), null);
      await assert.rejects(store.uploads.put(upload, 1, last), failureWith('NOT_FOUND', /begin another one/));
    });

    it('tell which parts have arrived, for who goes on after a break', async () => {
      const upload = { key: 'parts/four.tar', id: await store.uploads.begin('parts/four.tar') };
      assert.deepEqual(await store.uploads.parts(upload), []);
      const third = await store.uploads.put(upload, 3, last);
      const tag = await store.uploads.put(upload, 1, first);
      assert.deepEqual(await store.uploads.parts(upload), [
        { number: 1, tag, bytes: first.length },
        { number: 3, tag: third, bytes: last.length },
      ]);
      await store.uploads.abort(upload);
      await assert.rejects(store.uploads.parts(upload), failureWith('NOT_FOUND', /begin another one/));
    });

    it('refuse a part that did not come, and can be completed after it did', async () => {
      const upload = { key: 'parts/three.tar', id: await store.uploads.begin('parts/three.tar') };
      const tag = await store.uploads.put(upload, 1, first);
      const missing = store.uploads.complete(upload, [
        { number: 1, tag },
        { number: 2, tag },
      ]);
      await assert.rejects(missing, failureWith('INVALID_INPUT', /did not arrive.*send it again/i));
      await store.uploads.complete(upload, [{ number: 1, tag }]);
      assert.equal((await store.stat(upload.key))?.bytes, first.length);
    });
  });
}

async function idsOf(store: ObjectStore): Promise<string[]> {
  return (await all(store.uploads.list())).map(({ id }) => id);
}
