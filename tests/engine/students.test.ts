import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { z } from 'zod';
import { architectureConfig } from '../../src/domain/config/architecture.js';
import { recipeConfig } from '../../src/domain/config/evaluation.js';
import { random } from '../../src/domain/random.js';
import { halvesOf } from '../../src/formats/float16.js';
import { buildNetwork } from '../../workers/nn/architectures/index.js';
import { initialize } from '../../workers/nn/parameters.js';
import { measureAccuracy } from '../../workers/nn/training.js';
import { drawViews } from '../../workers/nn/views.js';
import {
  createStudent,
  distillationLoss,
  hardLoss,
  logitError,
  measuredOf,
  rateAt,
  studentStep,
} from '../../workers/teddy/students.js';
import { type Scalar, type Tensor, type Tensor2D, tf } from '../../workers/tensor/tensorflow.js';
import { failureWith } from '../support/failure.js';
import { tinyImages } from '../support/tiny-engine.js';

type Rows = readonly (readonly number[])[];

const [VIEWS, CLASSES] = [6, 7];
const drawn = (seed: number): number[][] => {
  const source = random(seed, 'student-logits');
  return Array.from({ length: VIEWS }, () => Array.from({ length: CLASSES }, () => 3 * source.normal()));
};
const [STUDENT, TEACHER] = [drawn(1), drawn(2)];

/** Of one row, in float64. */
function softmax(row: readonly number[], temperature: number): number[] {
  const largest = Math.max(...row);
  const powers = row.map((value) => Math.exp((value - largest) / temperature));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const rowsOf = (rows: Rows, value: (i: number, c: number) => number): number[][] =>
  rows.map((row, i) => row.map((_, c) => value(i, c)));

/** The loss and its gradient in the student's logits agree with what float64 says. */
function assertLoss(lossOf: (logits: Tensor2D) => Scalar, loss: number, gradient: Rows): void {
  const { value, grad } = tf.valueAndGrad((x: Tensor) => lossOf(x as Tensor2D))(tf.tensor2d(STUDENT));
  const close = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-5 * (1 + Math.abs(b)), `${a} is not ${b}`);
  close(value.dataSync()[0] as number, loss);
  const wanted = gradient.flat();
  grad.dataSync().forEach((one, i) => {
    close(one, wanted[i] as number);
  });
}

describe("a student's loss", () => {
  for (const scaleByTemperatureSquared of [false, true]) {
    it(`is the KL divergence at the temperature, ${scaleByTemperatureSquared ? 'times its square' : 'as it is'}`, () => {
      const temperature = 3;
      const scale = scaleByTemperatureSquared ? temperature ** 2 : 1;
      const p = STUDENT.map((row) => softmax(row, temperature));
      const q = TEACHER.map((row) => softmax(row, temperature));
      const divergences = q.map((row, i) =>
        row.reduce((sum, one, c) => sum + one * Math.log(one / (p[i]?.[c] ?? Number.NaN)), 0),
      );
      const gradient = rowsOf(p, (i, c) => {
        const difference = (p[i]?.[c] ?? Number.NaN) - (q[i]?.[c] ?? Number.NaN);
        return (scale * difference) / (temperature * VIEWS);
      });
      const recipe = recipeConfig.parse({ temperature, scaleByTemperatureSquared });
      const lossOf = (logits: Tensor2D) => distillationLoss(logits, tf.tensor2d(TEACHER), recipe);
      assertLoss(lossOf, scale * mean(divergences), gradient);
    });
  }

  it('is the mean squared error over views and classes', () => {
    const errors = rowsOf(STUDENT, (i, c) => (STUDENT[i]?.[c] ?? Number.NaN) - (TEACHER[i]?.[c] ?? Number.NaN));
    const loss = mean(errors.flat().map((error) => error ** 2));
    const gradient = errors.map((row) => row.map((error) => (2 * error) / (VIEWS * CLASSES)));
    assertLoss((logits) => logitError(logits, tf.tensor2d(TEACHER)), loss, gradient);
  });

  it('is the cross-entropy of both classes of a mixed view, by their shares', () => {
    const labels = Int32Array.from([6, 5, 4, 3, 2, 1, 0]);
    const lambda = 0.7;
    const views = {
      sample: Int32Array.from([0, 1, 2, 3, 4, 6]),
      partner: Int32Array.from([1, 2, 0, 3, 5, 4]),
      box: new Float32Array(4 * VIEWS),
      flip: new Uint8Array(VIEWS),
      mixBox: new Int32Array(4),
      lambda,
    };
    const own = [6, 5, 4, 3, 2, 0];
    const partners = [5, 4, 6, 3, 0, 2];
    const p = STUDENT.map((row) => softmax(row, 1));
    const share = (i: number, c: number) => (own[i] === c ? lambda : 0) + (partners[i] === c ? 1 - lambda : 0);
    const losses = p.map((row, i) => row.reduce((sum, one, c) => sum - share(i, c) * Math.log(one), 0));
    const gradient = rowsOf(p, (i, c) => ((p[i]?.[c] ?? Number.NaN) - share(i, c)) / VIEWS);
    assertLoss((logits) => hardLoss(logits, labels, views), mean(losses), gradient);
  });
});

describe("a student's rate", () => {
  const at = (schedule: 'COSINE' | 'HALF_COSINE' | 'CONSTANT', step: number) =>
    rateAt(recipeConfig.parse({ schedule, learningRate: 0.8, steps: 100 }), step);
  const close = (value: number, wanted: number) => assert.ok(Math.abs(value - wanted) < 1e-12, `${value}`);

  it('falls to nothing by half a cosine, to half of itself by a quarter, or stays', () => {
    close(at('COSINE', 0), 0.8);
    close(at('COSINE', 50), 0.4);
    close(at('COSINE', 100), 0);
    close(at('HALF_COSINE', 0), 0.8);
    close(at('HALF_COSINE', 50), 0.4 * (1 + Math.SQRT1_2));
    close(at('HALF_COSINE', 100), 0.4);
    close(at('CONSTANT', 100), 0.8);
  });
});

describe('a recipe without a rate', () => {
  it('takes the one of its architecture, and keeps one that is given', () => {
    const of = (architecture: z.input<typeof architectureConfig>) => recipeConfig.parse({ architecture }).learningRate;
    assert.deepEqual(
      [of({}), of({ width: 32 }), of({ width: 128 }), of({ name: 'RESNET18' }), of({ name: 'DENSENET121' })],
      [0.01, 0.01, 0.003, 0.001, 0.001],
    );
    assert.deepEqual(
      [of({ name: 'MOBILENET_V2' }), of({ name: 'SHUFFLENET_V2_X0_5' }), of({ name: 'EFFICIENTNET_B0' })],
      [0.004, 0.004, 0.004],
    );
    const given = recipeConfig.parse({ architecture: { name: 'RESNET18' }, learningRate: 0.01 });
    assert.equal(given.learningRate, 0.01);
    assert.deepEqual(recipeConfig.parse(given), given);
  });

  it('takes the weight decay of its optimizer, and keeps one that is given', () => {
    const of = (options: z.input<typeof recipeConfig>) =>
      recipeConfig.parse({ learningRate: 0.1, ...options }).weightDecay;
    assert.deepEqual(
      [of({}), of({ optimizer: 'SGD' }), of({ optimizer: 'SGD', weightDecay: 0.01 })],
      [0.01, 5e-4, 0.01],
    );
  });
});

const SHAPE = { height: 8, width: 8, channels: 1 };
const NORMALIZATION = { mean: [0.4], std: [0.3] };
const network = buildNetwork(architectureConfig.parse({ width: 4, depth: 2 }), SHAPE, CLASSES);
const set = tinyImages(SHAPE, 300, CLASSES, 3);

describe("a student's first weights", () => {
  const recipe = recipeConfig.parse({});
  const kernelOf = (tensors: Record<string, Tensor>) => Array.from((Object.values(tensors)[0] as Tensor).dataSync());

  it('are of its seed, and none that a pool of the same seed began with', () => {
    const own = kernelOf(createStudent(network, recipe, 0).parameters);
    assert.deepEqual(kernelOf(createStudent(network, recipe, 0).parameters), own);
    for (const seed of [0, 1]) {
      const teacher = kernelOf(initialize(network, seed));
      assert.ok(own.every((value, i) => value !== teacher[i]));
    }
    assert.notDeepEqual(kernelOf(createStudent(network, recipe, 1).parameters), own);
  });
});

describe('what a student is measured by', () => {
  it('is d times the average before plus 1 - d times the weights, running moments with them, d no more than (1 + n) / (10 + n) of n steps', () => {
    const averageDecay = 0.28;
    const recipe = recipeConfig.parse({ averageDecay, steps: 10, batchSize: 12 });
    const student = createStudent(network, recipe, 1);
    const values = (tensors: Record<string, Tensor>) =>
      Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, Float64Array.from(tensor.dataSync())]));
    const expected = values(student.parameters);
    const logits = halvesOf(new Float32Array(12 * CLASSES));
    const labels = { cropScaleMin: 0.3, flip: true, mix: 'CUTMIX' } as const;
    for (let step = 0; step < 5; step++) {
      const views = drawViews(labels, SHAPE, { seed: 1, samples: 300, batchSize: 12, step });
      studentStep(student, set, { kind: 'SOFT', views: { ...views, logits } }, NORMALIZATION, recipe, step);
      for (const [name, now] of Object.entries(values(student.parameters))) {
        const d = [2 / 11, 3 / 12][step] ?? averageDecay;
        expected[name] = now.map((value, i) => d * (expected[name]?.[i] ?? 0) + (1 - d) * value);
      }
    }
    const measured = values(measuredOf(student));
    assert.deepEqual(Object.keys(measured), Object.keys(expected));
    for (const [name, wanted] of Object.entries(expected)) {
      wanted.forEach((value, i) => {
        const got = measured[name]?.[i] ?? Number.NaN;
        assert.ok(Math.abs(got - value) < 1e-6 * (1 + Math.abs(value)), `${name}: ${got} is not ${value}`);
      });
    }
  });

  const accuracyOf = async (bias: readonly number[]) => {
    const parameters = initialize(network, 1);
    parameters['classifier.weight'] = tf.zerosLike(parameters['classifier.weight'] as Tensor);
    parameters['classifier.bias'] = tf.tensor1d([...bias]);
    return measureAccuracy(network, parameters, set, NORMALIZATION, async () => {});
  };
  /** Of images whose label is one of these. */
  const share = (...classes: number[]) =>
    (100 * set.labels.filter((label) => classes.includes(label)).length) / set.labels.length;

  it('is how often the class has the largest logit, and is among the five largest', async () => {
    assert.deepEqual(await accuracyOf([0, 6, 1, 5, 2, 4, 3]), { top1: share(1), top5: share(1, 3, 5, 6, 4) });
  });

  it('gives ties to the lower class, and nothing to a network that is no number any more', async () => {
    assert.deepEqual(await accuracyOf([1, 1, 1, 1, 1, 1, 1]), { top1: share(0), top5: share(0, 1, 2, 3, 4) });
    const broken = accuracyOf(Array.from({ length: CLASSES }, () => Number.NaN));
    await assert.rejects(broken, failureWith('NUMERICS', 'no finite number'));
  });
});
