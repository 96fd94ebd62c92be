/** Reading some images of a split without the rest of it. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ShardRef } from '../../src/domain/jobs/references.js';
import { splitWriter } from '../../src/formats/dataset-shards.js';
import { pixelsAt, readChosen } from '../../src/formats/dataset-splits.js';
import type { ObjectStore } from '../../src/platform/object-store/object-store.js';
import { openObjectStore } from '../../src/platform/object-store/open-object-store.js';
import { failureWith } from '../support/failure.js';

/** Three shards of four images, whose pixels are ten times their number. */
const SHAPE = { height: 2, width: 3, channels: 1 };
const SIZE = 6;
const LABELS = [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2];

describe('reading chosen images of a split', () => {
  let folder: string;
  let store: ObjectStore;
  let shards: ShardRef[];
  let read: { key: string; whole: boolean }[];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'teddyhub-chosen-'));
    const plain = await openObjectStore({ kind: 'folder', path: join(folder, 'objects') });
    const get: ObjectStore['get'] = (key, range) => {
      read.push({ key, whole: range === undefined });
      return plain.get(key, range);
    };
    store = { ...plain, get };
    shards = [];
    read = [];
    for (const first of [0, 4, 8]) {
      const writer = splitWriter(store, SHAPE, 3);
      for (let i = first; i < first + 4; i++) await writer.push(new Uint8Array(SIZE).fill(10 * i), LABELS[i] ?? 0);
      shards.push(...(await writer.finish()).shards);
    }
  });
  after(() => rm(folder, { recursive: true }));

  const choose = (...positions: number[]) => {
    read = [];
    return readChosen(store, shards, SHAPE, () => positions, join(folder, 'scratch'));
  };

  it('asks with the labels of all', async () => {
    const asked: number[][] = [];
    const none = (labels: Int32Array) => {
      asked.push([...labels]);
      return [];
    };
    await readChosen(store, shards, SHAPE, none, join(folder, 'scratch'));
    assert.deepEqual(asked, [[...LABELS]]);
  });

  it('gives them in the order asked for, one as often as it is asked for, with their labels', async () => {
    const { images, labels, count } = await choose(9, 0, 9, 2);
    assert.equal(count, 4);
    assert.deepEqual([...labels], [0, 0, 0, 2]);
    assert.deepEqual(
      [...(images as Uint8Array)],
      [90, 0, 90, 20].flatMap((value) => Array<number>(SIZE).fill(value)),
    );
  });

  it('gives the same from a file where they are too many for memory', async () => {
    const { images, labels } = await readChosen(store, shards, SHAPE, () => [9, 0, 9, 2], join(folder, 'scratch'), 0);
    assert.ok(!(images instanceof Uint8Array));
    assert.deepEqual([...labels], [0, 0, 0, 2]);
    const first = (i: number) => pixelsAt(images, i * SIZE, SIZE)[0];
    assert.deepEqual([3, 0, 1, 2].map(first), [20, 90, 0, 90]);
  });

  it('reads no more than the labels of shards without any', async () => {
    await choose(9, 0);
    const whole = read.filter((one) => one.whole).map(({ key }) => key);
    assert.deepEqual(whole, [shards[0]?.key, shards[2]?.key]);
    assert.equal(read.length, 5);
  });

  it('refuses a shard it takes images of whose bytes were changed, and one that begins otherwise', async () => {
    const [, { key } = { key: '' }] = shards;
    const bytes = await store.get(key);
    const changed = Buffer.from(bytes);
    changed[bytes.length - 1] = 255;
    await store.put(key, changed);
    await choose(0);
    await assert.rejects(choose(0, 5), failureWith('OBJECT_CORRUPT', key));
    await store.put(key, Buffer.from('short'));
    await assert.rejects(choose(0), failureWith('OBJECT_CORRUPT', key));
    await store.put(key, bytes);
    assert.equal(pixelsAt((await choose(5)).images, 0, SIZE)[0], 50);
  });

  it('refuses a shard whose head, read before, had other labels than it has', async () => {
    const lying: ObjectStore = {
      ...store,
      async get(key, range) {
        const bytes = await store.get(key, range);
        // The last byte of the labels.
        if (range !== undefined) bytes[bytes.length - 1] = 1;
        return bytes;
      },
    };
    const [, { key } = { key: '' }] = shards;
    const attempt = readChosen(lying, shards, SHAPE, () => [5], join(folder, 'scratch'));
    await assert.rejects(attempt, failureWith('OBJECT_CORRUPT', `${key} holds other images than its head says`));
  });
});
