import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { random } from '../../src/domain/random.js';
import {
  crop,
  foldBatchNorm,
  frozenConvolution,
  frozenNormRelu,
  moments,
  relu,
  resize,
  trainingBatchNorm,
} from '../../workers/tensor/kernels.js';
import { type Scalar, type Tensor, type Tensor1D, type Tensor4D, tf } from '../../workers/tensor/tensorflow.js';

const SHAPE: [number, number, number, number] = [3, 5, 6, 2];
const size = SHAPE.reduce((a, b) => a * b, 1);

/** Values that keep a distance from 0, where ReLU has a kink; their scale and mean differ by channel. */
const pixels = (seed: number): Float32Array => {
  const source = random(seed, 'kernels');
  return Float32Array.from({ length: size }, (_, i) => {
    const value = (i % 2 === 0 ? 1 : 3) * source.normal() + (i % 2);
    return value + 0.1 * Math.sign(value);
  });
};

const vector = (...values: number[]) => tf.tensor1d(values);

/** A scalar that weighs every element of the output differently, so that no element's gradient can go missing. */
function weigh(y: Tensor): Scalar {
  const source = random(9, 'weights');
  const weights = Float32Array.from({ length: y.size }, () => source.between(0.5, 2) * (source.boolean() ? 1 : -1));
  return y.mul(tf.tensor(weights, y.shape)).sum() as Scalar;
}

/**
 * Compares the gradient in every argument with central differences, at every element. float32 allows for a relative error
 * of about (rounding / step) + step^2; the gradients of these outputs are of order 1.
 */
function assertGradient(of: (...args: Tensor[]) => Tensor, args: Tensor[], step = 1e-2, tolerance = 3e-3): void {
  const gradients = tf.grads((...inputs: Tensor[]) => weigh(of(...inputs)))(args);
  const valueAt = (which: number, i: number, offset: number) =>
    tf.tidy(() => {
      const moved = args.map((arg, k) => {
        const data = Float32Array.from(arg.dataSync<'float32'>());
        if (k === which) data[i] = (data[i] ?? 0) + offset;
        return tf.tensor(data, arg.shape);
      });
      const y = of(...moved);
      // Summed in float64: the rounding of one long sum would drown the difference.
      const weights = tf
        .grad((out) => weigh(out))(y)
        .dataSync<'float32'>();
      return y.dataSync<'float32'>().reduce((sum, value, j) => sum + value * (weights[j] ?? 0), 0);
    });
  for (const [which, gradient] of gradients.entries()) {
    const actual = gradient.dataSync<'float32'>();
    const scale = Math.sqrt(actual.reduce((sum, value) => sum + value ** 2, 0) / actual.length);
    assert.ok(scale > 1e-3, 'the gradient must not vanish, or nothing is tested');
    for (const [i, value] of actual.entries()) {
      const expected = (valueAt(which, i, step) - valueAt(which, i, -step)) / (2 * step);
      const error = Math.abs(value - expected) / Math.max(scale, Math.abs(expected));
      assert.ok(error < tolerance, `argument ${which}, element ${i}: ${value} against ${expected}`);
    }
  }
}

describe('gradients of the kernels equal finite differences', () => {
  const x = tf.tensor4d(pixels(1), SHAPE);
  const as4D = (tensor: Tensor | undefined) => tensor as Tensor4D;

  it('of ReLU', () => {
    assertGradient((input) => relu(as4D(input)), [x]);
  });

  it('of batch norm in training, in its input, scale and offset', () => {
    const norm = (input?: Tensor, gamma?: Tensor, beta?: Tensor) =>
      trainingBatchNorm(as4D(input), gamma as Tensor1D, beta as Tensor1D, ({ mean, variance }) => {
        tf.dispose([mean, variance]);
      });
    assertGradient(norm, [x, vector(0.7, -1.3), vector(0.2, 0.4)]);
  });

  it('of moments, mean and variance', () => {
    // Both are at most quadratic in any one pixel, so a long step costs no accuracy and gains some.
    assertGradient((input) => moments(as4D(input)), [x], 0.5, 1e-3);
  });

  it('of a frozen norm with ReLU', () => {
    const affine = { scale: vector(0.7, -1.3), offset: vector(0.05, 0.02) };
    assertGradient((input) => frozenNormRelu(as4D(input), affine), [x], 1e-3, 1e-2);
  });

  it('of a frozen convolution', () => {
    const source = random(3, 'kernel');
    const kernel = tf.tensor4d(
      Float32Array.from({ length: 9 * 2 * 3 }, () => source.normal()),
      [3, 3, 2, 3],
    );
    assertGradient((input) => frozenConvolution(as4D(input), kernel), [x]);
  });

  it('of resizing, larger and smaller', () => {
    assertGradient((input) => resize(as4D(input), 10, 12), [x]);
    assertGradient((input) => resize(as4D(input), 3, 4), [x]);
  });

  it('of cropping: shifted, mirrored, stretched, and partly outside', () => {
    const boxes = Float32Array.of(1, -2, 5, 3, 0, 5, 4, 0, 0.5, 1.25, 3.2, 4.4);
    assertGradient((input) => crop(as4D(input), boxes), [x]);
  });
});

describe('the kernels', () => {
  const x = tf.tensor4d(pixels(2), SHAPE);
  const close = (a: Tensor, b: Tensor) => assert.ok((a.sub(b).abs().max().dataSync()[0] ?? 1) < 1e-5);

  it('compute mean and biased variance', () => {
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    close(moments(x), tf.stack([mean, variance]));
  });

  it('fold a frozen batch norm into the map that batch norm is', () => {
    const [gamma, beta, mean, variance] = [vector(0.7, -1.3), vector(0.2, 0.4), vector(0.1, 1), vector(0.5, 4)];
    const expected = tf.relu(tf.batchNorm4d(x, mean, variance, beta, gamma, 1e-5));
    close(frozenNormRelu(x, foldBatchNorm(gamma, beta, mean, variance)), expected);
  });

  it('hand over the mean and the unbiased variance of a batch in training', () => {
    const count = size / 2;
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    const ones = vector(1, 1);
    trainingBatchNorm(x, ones, tf.zerosLike(ones), (batch) => {
      close(batch.mean, mean);
      close(batch.variance, variance.mul(count / (count - 1)));
    });
  });

  it('shift by whole pixels, filling with 0, and mirror', () => {
    const image = tf.tensor4d([1, 2, 3, 4, 5, 6], [1, 2, 3, 1]);
    const cropped = (box: number[]) => [...crop(image, Float32Array.from(box)).dataSync()];
    assert.deepEqual(cropped([0, 0, 1, 2]), [1, 2, 3, 4, 5, 6]);
    assert.deepEqual(cropped([0, 2, 1, 0]), [3, 2, 1, 6, 5, 4]);
    assert.deepEqual(cropped([1, -1, 2, 1]), [0, 4, 5, 0, 0, 0]);
  });

  it('resize with half-pixel centres, as torch does without antialiasing', () => {
    const image = tf.tensor4d([0, 4], [1, 1, 2, 1]);
    assert.deepEqual([...resize(image, 1, 4).dataSync()], [0, 1, 3, 4]);
    assert.equal(resize(image, 1, 2), image);
  });
});
