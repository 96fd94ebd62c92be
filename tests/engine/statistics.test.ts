import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { readSplit } from '../../src/formats/dataset-splits.js';
import type { LabelledImages } from '../../workers/nn/training.js';
import {
  decodeStatistics,
  encodeStatistics,
  measureStatistics,
  type Statistics,
} from '../../workers/teddy/statistics.js';
import { referenceClassMeans, referenceForward } from '../support/reference-convnet.js';
import { referenceInput, type TinyWorld, tinyTeacher, tinyWorld } from '../support/tiny-engine.js';

const largest = (values: Float64Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** Refuses what deviates from the truth by more than sums in float32 do, relative to a scale. */
function assertClose(what: string, measured: Float64Array | undefined, truth: Float64Array, scale: number): void {
  assert.equal(measured?.length, truth.length);
  const deviation = largest(truth.map((value, i) => value - (measured?.[i] ?? Number.NaN))) / scale;
  assert.ok(deviation < 1e-5, `${what} deviates by ${deviation}`);
}

for (const shape of [
  { height: 8, width: 8, channels: 1 },
  { height: 13, width: 10, channels: 3 },
]) {
  describe(`statistics of a teacher over images of ${shape.height} x ${shape.width} x ${shape.channels}`, () => {
    const teacher = tinyTeacher(shape, 3, 2, 1);
    let world: TinyWorld;
    let train: LabelledImages<Uint8Array>;
    let measured: Statistics;
    const progress: number[] = [];

    before(async () => {
      // More than one batch of the pass, the last of them short.
      world = await tinyWorld(shape, 90);
      train = { ...(await readSplit(world.store, world.dataset.train)), ...shape };
      measured = await measureStatistics(teacher.frozen, train, world.dataset, {
        breathe: async () => {},
        progress: (done) => progress.push(done),
      });
    });
    after(() => world.close());

    it('equal those of two float64 passes, at every layer and for every class', () => {
      const truth = referenceForward(teacher.reference, referenceInput(train, world.dataset));
      assert.equal(measured.layers.length, 2);
      for (const [l, { mean, variance }] of truth.moments.entries()) {
        // A mean may be near 0, so it is held against the spread of what was averaged.
        assertClose(`mean ${l}`, measured.layers[l]?.mean, mean, Math.sqrt(largest(variance)));
        assertClose(`variance ${l}`, measured.layers[l]?.variance, variance, largest(variance));
      }
      const classMeans = referenceClassMeans(truth.features, train.labels, 3);
      assertClose('class means', measured.classMeans, classMeans, largest(classMeans));
    });

    it('come from one pass, batch by batch', () => {
      assert.ok(progress.length > 1);
      assert.equal(progress.at(-1), train.labels.length);
    });

    it('are stored without a loss', () => {
      const { network } = teacher.frozen;
      assert.deepEqual(decodeStatistics(network, encodeStatistics(network, measured)), measured);
    });
  });
}
