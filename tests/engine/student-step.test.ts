import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { z } from 'zod';
import { architectureConfig } from '../../src/domain/config/architecture.js';
import { recipeConfig } from '../../src/domain/config/evaluation.js';
import { random } from '../../src/domain/random.js';
import { halvesOf } from '../../src/formats/float16.js';
import { buildNetwork } from '../../workers/nn/architectures/index.js';
import { adam, sgd } from '../../workers/nn/optimizers.js';
import { copyOf, type Parameters } from '../../workers/nn/parameters.js';
import { trainingStep } from '../../workers/nn/training.js';
import { drawViews } from '../../workers/nn/views.js';
import { createStudent, type StudentBatch, studentStep } from '../../workers/teddy/students.js';
import { type Scalar, type Tensor2D, tf } from '../../workers/tensor/tensorflow.js';
import { cropOf } from '../support/reference-views.js';
import { tinyImages } from '../support/tiny-engine.js';

const [CLASSES, SIDE, VIEWS, STEP] = [3, 8, 12, 3];
const SHAPE = { height: SIDE, width: SIDE, channels: 1 };
const NORMALIZATION = { mean: [0.4], std: [0.3] };
const network = buildNetwork(architectureConfig.parse({ width: 4, depth: 2 }), SHAPE, CLASSES);
const set = tinyImages(SHAPE, 30, CLASSES, 3);

const views = drawViews({ cropScaleMin: 0.3, flip: true, mix: 'MIXUP' }, SHAPE, {
  seed: 1,
  samples: 30,
  batchSize: VIEWS,
  step: STEP,
});
const source = random(5, 'logits');
const teacher = Array.from({ length: VIEWS * CLASSES }, () => Math.round(64 * source.between(-4, 4)) / 64);
const batch = { kind: 'SOFT', views: { ...views, logits: halvesOf(teacher) } } as const;

/** The batch as a network is to see it, drawn in float64: crops, flips, the blend with the partner, the normalisation. */
function imagesOfBatch() {
  const crops = Array.from(views.sample, (sample, i) => {
    const image = Float64Array.from(set.images.subarray(sample * SIDE ** 2, (sample + 1) * SIDE ** 2), (x) => x / 255);
    const [y1 = 0, x1 = 0, y2 = 0, x2 = 0] = views.box.subarray(4 * i, 4 * i + 4);
    return cropOf(image, SIDE, views.flip[i] === 1 ? [y1, x2, y2, x1] : [y1, x1, y2, x2]);
  });
  const pixels = crops.flatMap((own, i) => {
    const partner = crops[views.partner[i] as number] as Float64Array;
    return Array.from(own, (pixel, at) => views.lambda * pixel + (1 - views.lambda) * (partner[at] as number));
  });
  const normalized = Float32Array.from(pixels, (pixel) => (pixel - 0.4) / 0.3);
  return tf.tensor4d(normalized, [VIEWS, SIDE, SIDE, 1]);
}

const classOf = (i: number) => set.labels[views.sample[i] as number] as number;
/** Cross-entropy of the shares that both classes have in a view. */
function hardLoss(logits: Tensor2D): Scalar {
  const shares = Array.from({ length: VIEWS }, (_, i) =>
    Array.from({ length: CLASSES }, (_, c) => {
      const partner = classOf(views.partner[i] as number);
      return (classOf(i) === c ? views.lambda : 0) + (partner === c ? 1 - views.lambda : 0);
    }),
  );
  return tf.logSoftmax(logits).mul(tf.tensor2d(shares)).sum().div(-VIEWS) as Scalar;
}
const target = () => tf.tensor2d(teacher, [VIEWS, CLASSES]);
const divergence = (logits: Tensor2D, temperature: number): Scalar => {
  const [log, wanted] = [tf.logSoftmax(logits.div(temperature)), tf.softmax(target().div(temperature))];
  return wanted.mul(wanted.log().sub(log)).sum().div(VIEWS) as Scalar;
};
const squares = (logits: Tensor2D): Scalar => logits.sub(target()).square().mean() as Scalar;

const COSINE = 0.5 * (1 + Math.cos((Math.PI * STEP) / 10));
const QUARTER = 0.5 * (1 + Math.cos((Math.PI * STEP) / 20));
const cases: [string, z.input<typeof recipeConfig>, StudentBatch, number, (logits: Tensor2D) => Scalar][] = [
  ['AdamW on KL', { temperature: 3, weightDecay: 0.1 }, batch, COSINE, (logits) => divergence(logits, 3)],
  [
    'KL times the square of the temperature',
    { temperature: 3, scaleByTemperatureSquared: true },
    batch,
    COSINE,
    (logits) => divergence(logits, 3).mul(9) as Scalar,
  ],
  [
    'SGD on squared errors and a share of cross-entropy',
    { optimizer: 'SGD', loss: 'MSE_CE', hardLabelWeight: 0.5, schedule: 'HALF_COSINE', weightDecay: 0.1 },
    batch,
    QUARTER,
    (logits) => squares(logits).add(hardLoss(logits).mul(0.5)) as Scalar,
  ],
  ['AdamW at a constant rate on hard labels', { schedule: 'CONSTANT' }, { kind: 'HARD', views }, 1, hardLoss],
];

describe("a student's step", () => {
  for (const [what, options, of, share, lossOf] of cases) {
    it(`is ${what}, of the views as float64 draws them`, () => {
      const recipe = recipeConfig.parse({ learningRate: 0.02, steps: 10, ...options });
      const student = createStudent(network, recipe, 1);
      const parameters: Parameters = copyOf(student.parameters);
      const { weightDecay } = recipe;
      const optimizer =
        recipe.optimizer === 'SGD'
          ? sgd({ momentum: 0.9, weightDecay })
          : adam({ beta1: 0.9, beta2: 0.999, weightDecay });
      const place = { rate: share * 0.02, step: STEP + 1 };
      const wanted = trainingStep({ network, parameters }, optimizer, imagesOfBatch(), lossOf, place);

      const loss = studentStep(student, set, of, NORMALIZATION, recipe, STEP);
      assert.ok(Math.abs(loss - wanted) < 1e-4 * wanted, `${loss}, not ${wanted}`);
      for (const [name, expected] of Object.entries(parameters)) {
        const off = student.parameters[name]?.sub(expected).abs().max().dataSync()[0] ?? Number.NaN;
        // AdamW's step is the rate, whatever the size of a gradient; one near 0 may go either way in part.
        assert.ok(off < 0.05 * place.rate, `${name} is off by ${off}`);
      }
    });
  }
});
