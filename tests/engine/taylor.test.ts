/**
 * The identity that docs/teddy.md starts from, on a network small enough to be unrolled: one hidden layer of tanh, softmax
 * cross-entropy, gradients by hand, all in float64.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Random, random } from '../../src/domain/random.js';

const [INPUTS, HIDDEN, CLASSES] = [4, 5, 3];
const STEPS = 6;

interface Data {
  /** [n, INPUTS] */
  x: Float64Array;
  labels: Int32Array;
}

const drawn = (n: number, source: Random, scale = 1) => Float64Array.from({ length: n }, () => scale * source.normal());

function drawData(n: number, source: Random): Data {
  const labels = Int32Array.from({ length: n }, (_, i) => i % CLASSES);
  const x = drawn(n * INPUTS, source).map(
    (value, at) => value + (labels[Math.floor(at / INPUTS)] === at % INPUTS ? 2 : 0),
  );
  return { x, labels };
}

const real = drawData(30, random(1, 'real'));
const synthetic = drawData(6, random(1, 'synthetic'));
/** First layer [INPUTS, HIDDEN], then second [HIDDEN, CLASSES]. */
const start = drawn(INPUTS * HIDDEN + HIDDEN * CLASSES, random(1, 'weights'), 0.7);
const SECOND = INPUTS * HIDDEN;

/** Mean cross-entropy of the network and its gradient with respect to the weights. */
function lossOf(theta: Float64Array, { x, labels }: Data): { loss: number; gradient: Float64Array } {
  const w = (i: number) => theta[i] ?? 0;
  const gradient = new Float64Array(theta.length);
  const add = (i: number, value: number) => {
    gradient[i] = (gradient[i] ?? 0) + value / labels.length;
  };
  let loss = 0;
  for (const [n, label] of labels.entries()) {
    const input = x.subarray(n * INPUTS, (n + 1) * INPUTS);
    const hidden = Float64Array.from({ length: HIDDEN }, (_, j) =>
      Math.tanh(input.reduce((sum, value, i) => sum + value * w(i * HIDDEN + j), 0)),
    );
    const powers = Float64Array.from({ length: CLASSES }, (_, c) =>
      Math.exp(hidden.reduce((sum, value, j) => sum + value * w(SECOND + j * CLASSES + c), 0)),
    );
    const total = powers.reduce((sum, power) => sum + power, 0);
    loss -= Math.log((powers[label] ?? 0) / total) / labels.length;
    const residual = powers.map((power, c) => power / total - (c === label ? 1 : 0));
    for (const [j, activation] of hidden.entries()) {
      let back = 0;
      for (const [c, value] of residual.entries()) {
        add(SECOND + j * CLASSES + c, value * activation);
        back += value * w(SECOND + j * CLASSES + c);
      }
      for (const [i, value] of input.entries()) add(i * HIDDEN + j, back * (1 - activation ** 2) * value);
    }
  }
  return { loss, gradient };
}

const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);

/** theta_0 .. theta_K of plain gradient descent on the synthetic data. */
function unroll(eta: number, data: Data): Float64Array[] {
  const states = [start];
  for (let t = 0; t < STEPS; t++) {
    const theta = states[t] as Float64Array;
    const { gradient } = lossOf(theta, data);
    states.push(theta.map((value, i) => value - eta * (gradient[i] ?? 0)));
  }
  return states;
}

/** L_T(theta_K) - L_T(theta_0), by training. */
function trueChange(eta: number, data: Data): number {
  return lossOf(unroll(eta, data).at(-1) as Float64Array, real).loss - lossOf(start, real).loss;
}

/** -eta sum_t < grad L_T(theta_t), grad L_S(theta_t) > at given states. */
function estimate(eta: number, states: readonly Float64Array[], data: Data): number {
  const matches = states
    .slice(0, STEPS)
    .map((theta) => dot(lossOf(theta, real).gradient, lossOf(theta, data).gradient));
  return -eta * matches.reduce((sum, match) => sum + match, 0);
}

const ETAS = [0.004, 0.002, 0.001, 0.0005];

/** Each error is about half the one before it: to first order, and no better than that by an accident of the data. */
function assertProportional(errors: readonly number[]): void {
  for (let i = 1; i < errors.length; i++) {
    const ratio = (errors[i - 1] ?? 0) / (errors[i] ?? 1);
    assert.ok(ratio > 1.8 && ratio < 2.2, `errors ${errors.join(', ')}`);
  }
  assert.ok((errors.at(-1) ?? 1) < 0.005, `errors ${errors.join(', ')}`);
}

describe('the Taylor expansion of training on synthetic data', () => {
  it('is built on gradients that finite differences confirm', () => {
    const { gradient } = lossOf(start, real);
    for (const i of start.keys()) {
      const at = (offset: number) =>
        lossOf(
          start.map((value, j) => (i === j ? value + offset : value)),
          real,
        ).loss;
      assert.ok(Math.abs((at(1e-5) - at(-1e-5)) / 2e-5 - (gradient[i] ?? 0)) < 1e-9);
    }
  });

  it('gives the change of the real loss after K steps, with a relative error in proportion to eta', () => {
    const errors = ETAS.map((eta) => {
      const truth = trueChange(eta, synthetic);
      return Math.abs(estimate(eta, unroll(eta, synthetic), synthetic) - truth) / Math.abs(truth);
    });
    assertProportional(errors);
  });

  it('gives the gradient with respect to the synthetic data at fixed states, without unrolling, likewise', () => {
    const errors = ETAS.map((eta) => {
      const states = unroll(eta, synthetic);
      const moved = (pixel: number, offset: number): Data => ({
        ...synthetic,
        x: synthetic.x.map((value, i) => (i === pixel ? value + offset : value)),
      });
      const derivative = (of: (data: Data) => number, pixel: number) =>
        (of(moved(pixel, 1e-4)) - of(moved(pixel, -1e-4))) / 2e-4;
      const truth = synthetic.x.map((_, pixel) => derivative((data) => trueChange(eta, data), pixel));
      const fixed = synthetic.x.map((_, pixel) => derivative((data) => estimate(eta, states, data), pixel));
      const difference = fixed.map((value, i) => value - (truth[i] ?? 0));
      return Math.sqrt(dot(difference, difference) / dot(truth, truth));
    });
    assertProportional(errors);
  });
});
