import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { adam, type Optimizer, sgd } from '../../workers/nn/optimizers.js';
import { type Tensor, tf } from '../../workers/tensor/tensorflow.js';

const START = [[1, -2]];
const GRADIENTS = [
  [0.5, 1],
  [-1, 0.25],
  [2, -3],
];
const RATES = [0.1, 0.05, 0.2];

/** Parameters after three steps of the optimizer, and of a formula in float64. */
function assertSteps(
  optimizer: Optimizer,
  next: (p: number, g: number, rate: number, i: number) => number,
  shape: [number, number] | [number] = [1, 2],
): void {
  const parameters: Record<string, Tensor> = { weight: tf.tensor2d(START).reshape(shape) };
  const expected = [...(START[0] as number[])];
  for (const [step, of] of GRADIENTS.entries()) {
    const rate = RATES[step] as number;
    const gradient = tf.tensor2d([of]).reshape(shape);
    optimizer.apply(parameters, { weight: gradient }, rate, step + 1);
    gradient.dispose();
    for (const i of [0, 1]) expected[i] = next(expected[i] as number, of[i] as number, rate, i);
    const found = [...(parameters.weight as Tensor).dataSync<'float32'>()];
    for (const [i, value] of found.entries()) {
      assert.ok(Math.abs(value - (expected[i] as number)) < 1e-6, `step ${step}: ${found}, not ${expected}`);
    }
  }
  tf.dispose(parameters);
  optimizer.dispose();
}

describe('SGD', () => {
  for (const momentum of [0, 0.9]) {
    for (const weightDecay of [0, 0.1]) {
      it(`with momentum ${momentum} and decay ${weightDecay} is v' = m v + g + d p, p' = p - rate v'`, () => {
        const velocity = [0, 0];
        assertSteps(sgd({ momentum, weightDecay }), (p, g, rate, i) => {
          velocity[i] = momentum * (velocity[i] as number) + g + weightDecay * p;
          return p - rate * (velocity[i] as number);
        });
      });
    }
  }
});

describe('AdamW', () => {
  for (const [what, weightDecay, applied, shape] of [
    ['without decay', 0, 0, [1, 2]],
    ['with decay, of matrices,', 0.1, 0.1, [1, 2]],
    ['with decay, of biases and batch norms, which are not decayed,', 0.1, 0, [2]],
  ] as const) {
    it(`${what} is the published formula`, () => {
      const [first, second] = [
        [0, 0],
        [0, 0],
      ];
      let calls = 0;
      const next = (p: number, g: number, rate: number, i: number) => {
        const t = Math.floor(calls++ / 2) + 1;
        first[i] = 0.5 * (first[i] as number) + 0.5 * g;
        second[i] = 0.9 * (second[i] as number) + 0.1 * g * g;
        const corrected = Math.sqrt((second[i] as number) / (1 - 0.9 ** t)) + 1e-8;
        return p * (1 - rate * applied) - (rate * ((first[i] as number) / (1 - 0.5 ** t))) / corrected;
      };
      assertSteps(adam({ beta1: 0.5, beta2: 0.9, weightDecay }), next, [...shape]);
    });
  }
});
