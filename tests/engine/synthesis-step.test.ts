import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { synthesisConfig } from '../../src/domain/config/run.js';
import { random } from '../../src/domain/random.js';
import { augmentationBoxes, gatherImages } from '../../workers/nn/views.js';
import { batchLabels, targetOf } from '../../workers/teddy/matching.js';
import {
  initialPositions,
  type SynthesisState,
  type SynthesisTask,
  synthesisOptimizer,
  synthesisStep,
} from '../../workers/teddy/synthesis.js';
import { referenceForward, referenceLoss } from '../support/reference-convnet.js';
import { cropOf } from '../support/reference-views.js';
import { referenceInput, someTarget, tinyImages, tinyTeacher } from '../support/tiny-engine.js';

const CLASSES = 3;
const SIDE = 8;
const SHAPE = { height: SIDE, width: SIDE, channels: 1 };
const NORMALIZATION = { mean: [0.4], std: [0.3] };

describe('a step of synthesis', () => {
  const config = synthesisConfig.parse({
    imagesPerClass: 2,
    steps: 10,
    learningRate: 0.05,
    cropScaleMin: 0.5,
    augmentation: { flip: true, shift: 1 },
    crossEntropyWeight: 0.7,
    momentsWeight: 0.3,
    classMeanWeight: 0.9,
  });
  const task: SynthesisTask = {
    config,
    shape: SHAPE,
    classes: [0, 1, 2],
    seed: 3,
    taskIndex: 1,
    firstImage: 0,
    imagesPerClass: 2,
  };
  const { frozen, reference } = tinyTeacher(SHAPE, CLASSES, 2, 5);
  const set = tinyImages(SHAPE, 6, CLASSES, 9);
  const { moments, features } = referenceForward(reference, referenceInput(set, NORMALIZATION));
  const target = someTarget(
    moments.map(({ mean }) => mean.length),
    features.length / 6,
    CLASSES,
  );

  /** What float64 says of these pixels, as fractions, in the view that step `step` sees. */
  const lossOf = (pixels: Float64Array, step: number): number => {
    const source = random(task.seed, 'synthesis/augment', task.taskIndex, step);
    const boxes = augmentationBoxes(config.augmentation, config.cropScaleMin, SHAPE, 6, source);
    const data = new Float64Array(pixels.length);
    for (let i = 0; i < 6; i++) {
      const image = pixels.subarray(i * SIDE ** 2, (i + 1) * SIDE ** 2);
      data.set(cropOf(image, SIDE, boxes.subarray(4 * i, 4 * i + 4)), i * SIDE ** 2);
    }
    const input = { data: data.map((pixel) => (pixel - 0.4) / 0.3), n: 6, ...SHAPE };
    return referenceLoss(reference, target, input, set.labels, config);
  };
  const gradientAt = (pixels: Float64Array, step: number, pixel: number): number => {
    const at = (offset: number) =>
      lossOf(
        Float64Array.from(pixels, (value, i) => value + (i === pixel ? offset : 0)),
        step,
      );
    return (at(1e-6) - at(-1e-6)) / 2e-6;
  };

  it('descends the float64 loss of its own crops, flips and shifts by Adam of .5 and .9, within the range of pixels', () => {
    const state: SynthesisState = {
      images: { images: gatherImages(set, [...set.labels.keys()]) },
      memory: {},
      optimizer: synthesisOptimizer(),
    };
    const pixelsNow = () => Float64Array.from(state.images.images.dataSync<'float32'>());
    const source = random(1, 'pixels');
    const looked = Array.from({ length: 30 }, () => source.integer(6 * SIDE ** 2));
    const first = new Float64Array(6 * SIDE ** 2);
    const second = new Float64Array(6 * SIDE ** 2);
    let moved = 0;
    for (const step of [0, 1, 2]) {
      const before = pixelsNow();
      const gradients = looked.map((pixel) => gradientAt(before, step, pixel));
      const labels = batchLabels(set.labels, CLASSES);
      const { total } = synthesisStep(task, state, [targetOf(frozen, target)], labels, NORMALIZATION, step);
      const truth = lossOf(before, step);
      assert.ok(Math.abs(total - truth) < 1e-4 * truth, `step ${step}: ${total}, not ${truth}`);

      const after = pixelsNow();
      const rate = 0.5 * config.learningRate * (1 + Math.cos((Math.PI * step) / config.steps));
      looked.forEach((pixel, k) => {
        const gradient = gradients[k] as number;
        if (looked.indexOf(pixel) === k) {
          first[pixel] = 0.5 * (first[pixel] as number) + 0.5 * gradient;
          second[pixel] = 0.9 * (second[pixel] as number) + 0.1 * gradient ** 2;
        }
        const [m, v] = [
          (first[pixel] as number) / (1 - 0.5 ** (step + 1)),
          (second[pixel] as number) / (1 - 0.9 ** (step + 1)),
        ];
        const wanted = Math.min(1, Math.max(0, (before[pixel] as number) - (rate * m) / (Math.sqrt(v) + 1e-8)));
        // Where a view does not show a pixel it has no gradient, and float32 no sign of one.
        if (Math.sqrt(v) < 1e-5) return;
        moved += 1;
        assert.ok(
          Math.abs((after[pixel] as number) - wanted) < 1e-2 * rate,
          `step ${step}, pixel ${pixel}: ${after[pixel]}, not ${wanted}`,
        );
      });
      assert.ok(after.every((pixel) => pixel >= 0 && pixel <= 1));
    }
    assert.ok(moved > 45, `only ${moved} of 90 pixels moved`);
  });
});

describe('the images that the tasks of a run start from', () => {
  const drawn = [0, 1, 2].map((c) => Int32Array.from({ length: 20 }, (_, i) => 100 * c + i));
  const startOf = (formation: 1 | 2, firstImage: number, of = drawn) =>
    initialPositions(
      {
        config: synthesisConfig.parse({ imagesPerClass: 4, formation }),
        shape: SHAPE,
        classes: [0, 1, 2],
        seed: 0,
        taskIndex: firstImage / 2,
        firstImage,
        imagesPerClass: 2,
      },
      of,
    );

  for (const formation of [1, 2] as const) {
    it(`are all different while a class has enough, and the first drawn, at formation ${formation}`, () => {
      const all = [...startOf(formation, 0), ...startOf(formation, 2)];
      const cells = 4 * formation ** 2;
      const wanted = drawn.flatMap((order) => [...order.subarray(0, cells)]);
      assert.deepEqual(
        all.toSorted((a, b) => a - b),
        wanted.toSorted((a, b) => a - b),
      );
    });
  }

  it('begin again with the first where a class has too few', () => {
    const few = drawn.map((order) => order.subarray(0, 3));
    const ofFirst = [...startOf(2, 0, few), ...startOf(2, 2, few)].filter((position) => position < 100);
    assert.deepEqual(
      ofFirst,
      Array.from({ length: 16 }, (_, i) => i % 3),
    );
  });
});
