import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { TeddyhubError } from '../../src/domain/errors.js';
import type { DatasetSource } from '../../src/domain/jobs/dataset-import.js';
import { openSplit, pixelsAt, readSplit } from '../../src/formats/dataset-splits.js';
import type { ObjectStore } from '../../src/platform/object-store/object-store.js';
import { openObjectStore } from '../../src/platform/object-store/open-object-store.js';
import { importDataset } from '../../workers/jobs/dataset-import.js';
import { failureWith } from '../support/failure.js';
import { writeIdxDataset } from '../support/idx.js';
import { recordedContext } from '../support/recorded-context.js';
import { keysOf } from '../support/store-keys.js';

type IdxSource = Extract<DatasetSource, { kind: 'IDX' }>;

describe('importing IDX files', () => {
  let folder: string;
  let store: ObjectStore;
  let source: IdxSource;
  let images: Buffer;

  const objects = () => keysOf(store);
  const run = (changes: Partial<IdxSource> = {}) =>
    importDataset({ source: { ...source, ...changes } }, recordedContext(store));
  /** Imports with `bytes` in place of the training images. */
  const runWith = async (bytes: Uint8Array) => {
    const path = join(folder, 'changed.idx');
    await writeFile(path, bytes);
    return run({ trainImages: path });
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'teddyhub-idx-'));
    store = await openObjectStore({ kind: 'folder', path: join(folder, 'objects') });
    const shape = { classes: 3, perClass: 20, testPerClass: 5, height: 8, width: 8, seed: 1 };
    source = await writeIdxDataset(join(folder, 'idx'), shape);
    images = await readFile(source.trainImages);
  });
  after(() => rm(folder, { recursive: true }));

  it('keeps every pixel and label, and knows the channel statistics', async () => {
    const result = await run();
    const { images: stored, labels, count } = await readSplit(store, result.train);
    assert.equal(count, 60);
    const given = await readFile(source.trainLabels);
    const pairs = (pixels: Uint8Array, classes: ArrayLike<number>) =>
      Array.from({ length: count }, (_, i) => `${classes[i]} ${[...pixels.subarray(i * 64, i * 64 + 64)]}`).sort();
    assert.deepEqual(pairs(stored, labels), pairs(images.subarray(16), given.subarray(8)));
    const fractions = [...stored].map((pixel) => pixel / 255);
    const mean = fractions.reduce((sum, x) => sum + x, 0) / fractions.length;
    const variance = fractions.reduce((sum, x) => sum + (x - mean) ** 2, 0) / fractions.length;
    assert.ok(Math.abs((result.mean[0] ?? 0) - mean) < 1e-9);
    assert.ok(Math.abs((result.std[0] ?? 0) - Math.sqrt(variance)) < 1e-9);
  });

  it('makes no new objects from the same bytes, gzipped or not', async () => {
    const first = await run();
    const before = await objects();
    const again = await run();
    const unzipped = await runWith(gzipSync(images));
    assert.deepEqual(await objects(), before);
    assert.equal(again.contentDigest, first.contentDigest);
    assert.equal(unzipped.contentDigest, first.contentDigest);
  });

  it('gives names to classes that count from 0, and to those that count from 1 as the letters of EMNIST do', async () => {
    const classNames = ['a', 'b', 'c'];
    const fromZero = await run({ classNames });
    assert.deepEqual(
      [fromZero.classNames, fromZero.classOrder, fromZero.trainPerClass],
      [classNames, 'GIVEN', [20, 20, 20]],
    );
    const shifted = async (path: string) => {
      const bytes = await readFile(path);
      await writeFile(
        `${path}.shifted.idx`,
        Buffer.concat([bytes.subarray(0, 8), bytes.subarray(8).map((n) => n + 1)]),
      );
      return `${path}.shifted.idx`;
    };
    const letters = {
      trainLabels: await shifted(source.trainLabels),
      testLabels: await shifted(source.testLabels),
    };
    assert.equal((await run({ ...letters, classNames })).contentDigest, fromZero.contentDigest);
    await assert.rejects(
      run({ ...letters, classNames: ['a', 'b'] }),
      failureWith('BAD_INPUT_FILE', 'record 2 has label 3, but there are 2 classes (1 to 2)'),
    );
  });

  const bad: Record<string, () => Promise<unknown>> = {
    'a truncated file': () => runWith(images.subarray(0, 1000)),
    'bytes after the last image': () => runWith(Buffer.concat([images, Buffer.of(1)])),
    'an empty file': () => runWith(Buffer.alloc(0)),
    'a gzip file that breaks off': () => runWith(gzipSync(images).subarray(0, 700)),
    'a gzip file of something else': () => runWith(gzipSync('hello world')),
    'labels in place of images': async () => runWith(await readFile(source.trainLabels)),
    'plain text': () => runWith(Buffer.from('abcdefgh')),
    'a missing file': () => run({ testImages: join(folder, 'nowhere.idx') }),
    'labels and images of different counts': () => run({ trainLabels: source.testLabels }),
    'a label beyond the class names': () => run({ classNames: ['a', 'b'] }),
  };
  for (const [what, attempt] of Object.entries(bad)) {
    it(`refuses ${what} in one line that names the file`, async () => {
      await assert.rejects(attempt, (error) => {
        assert.ok(error instanceof TeddyhubError);
        assert.equal(error.code, 'BAD_INPUT_FILE');
        assert.match(error.message, /\.idx/);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      });
    });
  }
});

describe('reading a split', () => {
  it('gives the same images from a file as from memory', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'teddyhub-idx-'));
    try {
      const store = await openObjectStore({ kind: 'folder', path: join(folder, 'objects') });
      const shape = { classes: 2, perClass: 9, testPerClass: 2, height: 4, width: 5, seed: 2 };
      const source = await writeIdxDataset(join(folder, 'idx'), shape);
      const { train, shape: found } = await importDataset({ source }, recordedContext(store));
      const inMemory = await readSplit(store, train);
      const onDisk = await openSplit(store, train, found, join(folder, 'scratch'), 0);
      assert.ok(!(onDisk.images instanceof Uint8Array));
      assert.deepEqual([onDisk.labels, onDisk.count], [inMemory.labels, 18]);
      // In no order.
      for (let i = 0; i < 18; i++) {
        const at = ((i * 7) % 18) * 20;
        assert.deepEqual(new Uint8Array(pixelsAt(onDisk.images, at, 20)), inMemory.images.slice(at, at + 20));
      }
      assert.deepEqual(await readdir(join(folder, 'scratch')), []);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('refuses a shard whose bytes were changed, and names it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'teddyhub-idx-'));
    try {
      const store = await openObjectStore({ kind: 'folder', path: join(folder, 'objects') });
      const shape = { classes: 2, perClass: 4, testPerClass: 2, height: 4, width: 4, seed: 2 };
      const source = await writeIdxDataset(join(folder, 'idx'), shape);
      const { train } = await importDataset({ source }, recordedContext(store));
      const key = train[0]?.key ?? '';
      const bytes = await store.get(key);
      bytes[bytes.length - 1] = 255 - (bytes.at(-1) ?? 0);
      await store.put(key, bytes);
      await assert.rejects(readSplit(store, train), (error) => {
        assert.ok(error instanceof TeddyhubError && error.code === 'OBJECT_CORRUPT');
        assert.ok(error.message.includes(key));
        return true;
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
