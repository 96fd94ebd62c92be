import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { random } from '../../src/domain/random.js';
import { gatherImages, normalize } from '../../workers/nn/views.js';
import { batchLabels, matchingLoss, targetOf } from '../../workers/teddy/matching.js';
import { type Tensor4D, tf } from '../../workers/tensor/tensorflow.js';
import {
  type ReferenceMemory,
  type ReferenceWeights,
  referenceForward,
  referenceLoss,
} from '../support/reference-convnet.js';
import { referenceInput, someTarget, tinyImages, tinyTeacher } from '../support/tiny-engine.js';

const CLASSES = 3;
const WEIGHTS: ReferenceWeights = {
  crossEntropyWeight: 0.7,
  momentsWeight: 0.3,
  firstLayerWeight: 2.5,
  classMeanWeight: 0.9,
};
const only = (name: keyof ReferenceWeights): ReferenceWeights => ({
  crossEntropyWeight: 0,
  momentsWeight: 0,
  classMeanWeight: 0,
  firstLayerWeight: 2.5,
  [name]: 1,
});

/** [T, 2], as steps leave them. */
const tensorOf = ({ layers }: ReferenceMemory) =>
  tf.tensor2d(layers.flatMap(({ mean, variance }) => [...mean].map((value, c) => [value, variance[c] as number])));

for (const [shape, depth] of [
  [{ height: 8, width: 8, channels: 1 }, 2],
  [{ height: 13, width: 12, channels: 3 }, 1],
] as const) {
  describe(`the matching loss at images of ${shape.height} x ${shape.width} x ${shape.channels}`, () => {
    const { frozen, reference } = tinyTeacher(shape, CLASSES, depth, 3);
    const set = tinyImages(shape, 7, CLASSES, 11);
    const normalization = {
      mean: [0.5, 0.4, 0.45].slice(0, shape.channels),
      std: [0.25, 0.3, 0.2].slice(0, shape.channels),
    };
    const input = referenceInput(set, normalization);
    const { moments, features } = referenceForward(reference, input);
    const widths = moments.map(({ mean }) => mean.length);
    const target = someTarget(widths, features.length / input.n, CLASSES);
    const { layers: earlierMoments } = someTarget(widths, 0, CLASSES, 8);

    /** As a task has them that makes some of the classes alone. */
    const twoClasses = set.labels.map((label) => (label === 1 ? 2 : label));

    const gradientOf = (weights: ReferenceWeights, all: Int32Array, memory?: ReferenceMemory) =>
      tf.tidy(() => {
        const x = normalize(gatherImages(set, [...set.labels.keys()]), normalization);
        const labels = batchLabels(all, CLASSES);
        const options = { ...weights, momentsMemory: memory?.share ?? 0 };
        const earlier = memory && tensorOf(memory);
        const lossOf = (images: Tensor4D) =>
          matchingLoss(targetOf(frozen, target), images, labels, options, earlier).total;
        const { value, grad } = tf.valueAndGrad((images) => lossOf(images as Tensor4D))(x);
        return { loss: value.dataSync()[0] ?? Number.NaN, gradient: grad.dataSync<'float32'>() };
      });

    /** Central differences of the float64 loss; the step keeps rounding and curvature both far below 1e-3. */
    const difference = (
      pixel: number,
      weights: ReferenceWeights,
      all: Int32Array,
      memory?: ReferenceMemory,
    ): number => {
      const step = 1e-6;
      const at = (offset: number) => {
        const data = input.data.slice();
        data[pixel] = (data[pixel] ?? 0) + offset;
        return referenceLoss(reference, target, { ...input, data }, all, weights, memory);
      };
      return (at(step) - at(-step)) / (2 * step);
    };

    const memory = { share: 0.7, layers: earlierMoments };

    for (const [what, earlier] of [
      ['its own where there are none', undefined],
      ['their share, and its own for the rest', tensorOf(memory)],
    ] as const) {
      it(`leaves a later step the moments of earlier ones: ${what}`, () => {
        const x = normalize(gatherImages(set, [...set.labels.keys()]), normalization);
        const options = { ...WEIGHTS, momentsMemory: memory.share };
        const { remembered } = matchingLoss(
          targetOf(frozen, target),
          x,
          batchLabels(set.labels, CLASSES),
          options,
          earlier,
        );
        const own = tensorOf({ share: 0, layers: moments });
        const wanted = earlier ? earlier.mul(memory.share).add(own.mul(1 - memory.share)) : own;
        const off = remembered?.sub(wanted).abs().max().dataSync()[0] ?? Number.NaN;
        assert.ok(off < 1e-5, `off by ${off}`);
      });
    }

    const cases: [string, ReferenceWeights, Int32Array, ReferenceMemory?][] = [
      ['as a whole', WEIGHTS, set.labels],
      ['in cross-entropy alone', only('crossEntropyWeight'), set.labels],
      ['in moments alone', only('momentsWeight'), set.labels],
      ['in class means alone', only('classMeanWeight'), set.labels],
      ['of two of the three classes', WEIGHTS, twoClasses],
      ['in moments that earlier steps left a share of', only('momentsWeight'), set.labels, memory],
    ];
    for (const [what, weights, all, remembered] of cases) {
      it(`equals the float64 loss, and its gradient float64 finite differences, ${what}`, () => {
        const { loss, gradient } = gradientOf(weights, all, remembered);
        const truth = referenceLoss(reference, target, input, all, weights, remembered);
        assert.ok(Math.abs(loss - truth) < 1e-5 * truth, `${loss} against ${truth}`);
        const source = random(1, 'pixels');
        const scale = Math.sqrt(gradient.reduce((sum, value) => sum + value ** 2, 0) / gradient.length);
        for (let trial = 0; trial < 40; trial++) {
          const pixel = source.integer(gradient.length);
          const expected = difference(pixel, weights, all, remembered);
          const actual = gradient[pixel] ?? Number.NaN;
          // Where a gradient happens to be tiny, its error is measured against the usual size.
          const error = Math.abs(actual - expected) / Math.max(Math.abs(expected), 0.1 * scale);
          assert.ok(error < 1e-3, `pixel ${pixel}: ${actual} against ${expected}`);
        }
      });
    }
  });
}
