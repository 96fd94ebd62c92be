import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { random } from '../../src/domain/random.js';
import { augmentationBoxes } from '../../workers/nn/views.js';
import { batchNorm, fusesRelu } from '../../workers/tensor/kernels/batch-norm.js';
import { kernelThroughPatches } from '../../workers/tensor/kernels/convolution.js';
import { execute } from '../../workers/tensor/kernels/execute.js';
import {
  averagePool,
  biasAdd,
  convolution,
  crop,
  foldNorm,
  frozenNorm,
  frozenOffset,
  globalMean,
  type Moments,
  maxPool,
  momentDistance,
  moments,
  momentTarget,
  relu,
  relu6,
  resize,
  shuffle,
  sigmoid,
  silu,
  trainingNorm,
} from '../../workers/tensor/kernels/index.js';
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

function weightsOf(y: Tensor): Tensor {
  const source = random(9, 'weights');
  const weights = Float32Array.from({ length: y.size }, () => source.between(0.5, 2) * (source.boolean() ? 1 : -1));
  return tf.tensor(weights, y.shape);
}

/** A scalar that weighs every element of the output differently, so that no element's gradient can go missing. */
const weigh = (y: Tensor): Scalar => y.mul(weightsOf(y)).sum();

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

const running = (share: number) => ({ mean: vector(0.4, -0.2), variance: vector(1.5, 0.7), share });

describe('gradients of the kernels equal finite differences', () => {
  const x = tf.tensor4d(pixels(1), SHAPE);
  const as4D = (tensor: Tensor | undefined) => tensor as Tensor4D;

  it('of every activation', () => {
    for (const activation of [relu, sigmoid, silu]) assertGradient((input) => activation(as4D(input)), [x]);
    // The other kink, at 6, has to keep its distance as well.
    assertGradient((input) => relu6(as4D(input)), [x.mul(1.5)], 1e-3, 1e-2);
  });

  it('of batch norm in training, in its input, scale and offset, with ReLU and without', () => {
    for (const rectified of [false, true]) {
      const norm = (input?: Tensor, gamma?: Tensor, beta?: Tensor) =>
        trainingNorm(as4D(input), gamma as Tensor1D, beta as Tensor1D, running(0.1), rectified, (batch) => {
          tf.dispose([batch.mean, batch.variance]);
        });
      assertGradient(norm, [x, vector(0.7, -1.3), vector(0.2, 0.4)], ...(rectified ? ([1e-3, 1e-2] as const) : []));
    }
  });

  it("of the distance of two norms' moments from a target, as they are and unscaled, in either input", () => {
    const wanted = [
      { mean: Float64Array.of(0.3, -0.4), variance: Float64Array.of(2, 0.1) },
      { mean: Float64Array.of(-0.2, 0.5), variance: Float64Array.of(1.1, 0.7) },
    ];
    const unscales = [undefined, tf.tensor2d([2, 0.5, 4, 0.25], [2, 2])];
    const target = momentTarget(wanted, unscales);
    const of = (first?: Tensor, second?: Tensor) => {
      const distance = momentDistance();
      distance.see(as4D(first));
      distance.see(as4D(second));
      return distance.to(target, [2.5, 1]);
    };
    // Nearly quadratic in any one pixel, so a long step costs little accuracy and gains much.
    assertGradient(of, [x, x.mul(0.7).add(0.2).slice([0, 1, 0, 0], [-1, -1, 2, -1])], 0.1, 1e-2);
  });

  it('of a frozen norm and of what is left of a folded one, with ReLU and without', () => {
    const affine = { scale: vector(0.7, -1.3), offset: vector(0.05, 0.02) };
    for (const rectified of [true, false]) {
      assertGradient((input) => frozenNorm(as4D(input), affine, rectified), [x], 1e-3, 1e-2);
      assertGradient((input) => frozenOffset(as4D(input), affine.offset, rectified), [x], 1e-3, 1e-2);
    }
  });

  const drawn = (...shape: [number, number, number, number]) => {
    const source = random(3, 'kernel');
    const length = shape.reduce((a, b) => a * b, 1);
    return tf.tensor4d(
      Float32Array.from({ length }, () => source.normal()),
      shape,
    );
  };
  const slidings = [
    { kernel: 3, stride: 1, padding: 1 },
    { kernel: 3, stride: 2, padding: 1 },
    { kernel: 5, stride: 2, padding: 2 },
    { kernel: 1, stride: 1, padding: 0 },
    { kernel: 1, stride: 2, padding: 0 },
  ];
  for (const sliding of slidings) {
    const { kernel: side, stride } = sliding;
    for (const depthwise of [false, true]) {
      it(`of a ${depthwise ? 'depthwise ' : ''}convolution of ${side} x ${side}, stride ${stride}, in its input and its kernel`, () => {
        const kernel = drawn(side, side, 2, depthwise ? 1 : 3);
        const options = { ...sliding, depthwise };
        const both = (input?: Tensor, weights?: Tensor) =>
          convolution(as4D(input), as4D(weights), options, { images: true, kernel: true });
        assertGradient(both, [x, kernel]);
        assertGradient((input) => convolution(as4D(input), kernel, options, { images: true, kernel: false }), [x]);
        assertGradient((weights) => convolution(x, as4D(weights), options, { images: false, kernel: true }), [kernel]);
      });
    }
  }

  it('of a convolution of more channels, which TensorFlow differentiates itself', () => {
    const options = { kernel: 3, stride: 1, padding: 1, depthwise: false };
    const wide = tf.concat4d([x, x.mul(-0.5)], 3);
    const kernel = drawn(3, 3, 4, 2);
    assertGradient((input) => convolution(as4D(input), kernel, options, { images: true, kernel: false }), [wide]);
  });

  it('of a bias, in input and bias', () => {
    assertGradient((input, bias) => biasAdd(as4D(input), bias as Tensor), [x, vector(0.3, -0.2)]);
  });

  it('of pooling, with sides that windows fill and sides that they do not', () => {
    assertGradient((input) => averagePool(as4D(input), 2), [x]);
    assertGradient((input) => averagePool(as4D(input), 2), [tf.concat4d([x, x.slice([0, 0, 0, 0], [3, 1, 6, 2])], 1)]);
    // Values far enough apart that a step changes no maximum.
    const order = random(4, 'order').permutation(size);
    const apart = tf.tensor4d(
      Float32Array.from(order, (i) => 0.1 * (i + 1)),
      SHAPE,
    );
    assertGradient((input) => maxPool(as4D(input), 3, 2, 1), [apart], 1e-2, 1e-2);
    assertGradient((input) => globalMean(as4D(input)), [x]);
  });

  it('of the channel shuffle', () => {
    assertGradient((input) => shuffle(as4D(input)), [tf.concat4d([x, x.square()], 3)], 1e-2, 1e-2);
  });

  it('of resizing, larger and smaller', () => {
    assertGradient((input) => resize(as4D(input), 10, 12), [x]);
    assertGradient((input) => resize(as4D(input), 3, 4), [x]);
  });

  it('of cropping: shifted, mirrored, stretched, and partly outside', () => {
    const boxes = Float32Array.of(1, -2, 5, 3, 0, 5, 4, 0, 0.5, 1.25, 3.2, 4.4);
    assertGradient((input) => crop(as4D(input), boxes), [x]);
  });

  it("of cropping, as TensorFlow's own operation has it on a CPU, at every edge", () => {
    for (const shape of [
      { height: 28, width: 28, channels: 1 },
      { height: 1, width: 33, channels: 3 },
    ]) {
      const { height, width, channels } = shape;
      const boxes = augmentationBoxes({ flip: true, shift: 3 }, 0.3, shape, 200, random(5, 'crops'));
      const pixels = tf.randomUniform([200, height, width, channels], 0, 1, 'float32', 6) as Tensor4D;
      const sides = [height - 1, width - 1, height - 1, width - 1];
      const normalized = tf.tensor2d(
        boxes.map((position, i) => position / Math.max(1, sides[i % 4] ?? 1)),
        [200, 4],
      );
      const [index, size] = [tf.range(0, 200, 1, 'int32'), tf.tensor1d(pixels.shape, 'int32')];
      const dy = weightsOf(pixels);
      const [expected] = execute('CropAndResizeGradImage', [dy, normalized, index, size], { method: 'bilinear' });
      const actual = tf.grad((input) => weigh(crop(input as Tensor4D, boxes)))(pixels);
      const error =
        actual
          .sub(expected as Tensor)
          .abs()
          .max()
          .dataSync()[0] ?? 1;
      assert.ok(error < 1e-4, `${JSON.stringify(shape)}: ${error}`);
    }
  });
});

describe('the kernels', () => {
  const x = tf.tensor4d(pixels(2), SHAPE);
  const close = (a: Tensor, b: Tensor) => assert.ok((a.sub(b).abs().max().dataSync()[0] ?? 1) < 1e-5);

  it('compute mean and biased variance', () => {
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    close(moments({ x, unscale: undefined }), tf.stack([mean, variance]));
  });

  it('give the gradient of a kernel through patches that its own kernel gives, in an odd image and at any width', () => {
    for (const { n, height, width, channels, side, outputs } of [
      { n: 3, height: 5, width: 4, channels: 6, side: 3, outputs: 2 },
      { n: 2, height: 7, width: 7, channels: 3, side: 5, outputs: 4 },
      { n: 4, height: 2, width: 2, channels: 512, side: 3, outputs: 512 },
    ]) {
      const input = tf.randomNormal([n, height, width, channels], 0, 1, 'float32', 1) as Tensor4D;
      const dy = tf.randomNormal([n, height, width, outputs], 0, 1, 'float32', 2) as Tensor4D;
      const kernel = tf.zeros([side, side, channels, outputs]) as Tensor4D;
      const attributes = { strides: [1, 1, 1, 1], dilations: [1, 1, 1, 1], padding: 'SAME', data_format: 'NHWC' };
      const sizes = tf.tensor1d(kernel.shape, 'int32');
      const [expected] = execute('Conv2DBackpropFilter', [input, sizes, dy], attributes);
      const sliding = { kernel: side, stride: 1, padding: (side - 1) / 2, depthwise: false };
      const whole = (weights: Tensor) =>
        convolution(input, weights as Tensor4D, sliding, { images: false, kernel: true });
      const chosen = tf.grad((weights) =>
        whole(weights)
          .mul(dy as Tensor4D)
          .sum(),
      )(kernel);
      for (const actual of [kernelThroughPatches(input, dy, kernel.shape), chosen]) {
        const scale = actual.abs().max().dataSync()[0] ?? 0;
        close(actual.div(scale), (expected as Tensor).div(scale));
      }
    }
  });

  it('fold a frozen batch norm into the map that batch norm is', () => {
    const [gamma, beta, mean, variance] = [vector(0.7, -1.3), vector(0.2, 0.4), vector(0.1, 1), vector(0.5, 4)];
    const expected = tf.relu(tf.batchNorm4d(x, mean, variance, beta, gamma, 1e-5));
    const affine = foldNorm(gamma, beta, mean, variance);
    close(frozenNorm(x, affine, true), expected);
    close(frozenOffset(x.mul(affine.scale) as Tensor4D, affine.offset, true), expected);
  });

  it('give the same bits whether ReLU is in the pass of a batch norm or behind it', { skip: !fusesRelu() }, () => {
    const source = random(5, 'rectified');
    const wide = tf.tensor4d(Float32Array.from({ length: 4 * 9 * 9 * 24 }, source.normal), [4, 9, 9, 24]);
    const [gamma, beta, mean] = [1, 2, 3].map(() => tf.tensor1d(Array.from({ length: 24 }, source.normal)));
    const variance = (mean as Tensor).square().add(0.1);
    const gradientsOf = (of: (input: Tensor4D, scale: Tensor1D, offset: Tensor1D) => Tensor) =>
      tf.grads((...inputs) => of(...(inputs as [Tensor4D, Tensor1D, Tensor1D])).square())([
        wide,
        gamma,
        beta,
      ] as Tensor[]);
    const trained = (rectified: boolean) => (input: Tensor4D, scale: Tensor1D, offset: Tensor1D) => {
      const old = { mean, variance, share: 0.1 } as ReturnType<typeof running>;
      const y = trainingNorm(input, scale, offset, old, rectified, (batch) => tf.dispose([batch.mean, batch.variance]));
      return rectified ? y : relu(y);
    };
    const [together, apart] = [gradientsOf(trained(true)), gradientsOf(trained(false))];
    for (const [i, gradient] of together.entries()) assert.deepEqual(gradient.dataSync(), apart[i]?.dataSync());
    for (const isTraining of [true, false]) {
      const inputs = [gamma, beta, mean, variance] as [Tensor, Tensor, Tensor, Tensor];
      const norm = { epsilon: 1e-5, isTraining, share: isTraining ? 0.1 : 1 };
      const [y, ...others] = batchNorm(wide, inputs, { ...norm, isRectified: false }) as [Tensor, ...Tensor[]];
      const [rectified, ...same] = batchNorm(wide, inputs, { ...norm, isRectified: true }) as [Tensor, ...Tensor[]];
      assert.deepEqual(rectified.dataSync(), tf.relu(y).dataSync());
      for (const [i, other] of others.slice(0, 2).entries()) assert.deepEqual(same[i]?.dataSync(), other.dataSync());
    }
  });

  it('mix the mean and the unbiased variance of a batch in training into the running ones', () => {
    const count = size / 2;
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    const ones = vector(1, 1);
    for (const share of [0.1, 1]) {
      const old = running(share);
      const mixed = (before: Tensor, batch: Tensor) => before.mul(1 - share).add(batch.mul(share));
      const observed: Moments[] = [];
      trainingNorm(x, ones, tf.zerosLike(ones), old, false, (next) => observed.push(next));
      assert.equal(observed.length, 1);
      close(observed[0]?.mean as Tensor, mixed(old.mean, mean));
      close(observed[0]?.variance as Tensor, mixed(old.variance, variance.mul(count / (count - 1))));
    }
  });

  it('pad as PyTorch does: one row before a stride of 2, where TensorFlow would put it behind', () => {
    const options = { kernel: 3, stride: 2, padding: 1, depthwise: false };
    const frozen = { images: true, kernel: false };
    const image = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], [1, 4, 4, 1]);
    const y = convolution(image, tf.ones([3, 3, 1, 1]), options, frozen);
    assert.deepEqual([...y.dataSync()], [14, 30, 57, 99]);
    assert.deepEqual([...maxPool(image, 3, 2, 1).dataSync()], [6, 8, 14, 16]);
  });

  it('shuffle the channels of two halves in turn', () => {
    assert.deepEqual([...shuffle(tf.tensor4d([1, 2, 3, 4, 5, 6], [1, 1, 1, 6])).dataSync()], [1, 4, 2, 5, 3, 6]);
  });

  it('shift by whole pixels, filling with 0, and mirror', () => {
    const image = tf.tensor4d([1, 2, 3, 4, 5, 6], [1, 2, 3, 1]);
    const cropped = (box: number[]) => [...crop(image, Float32Array.from(box)).dataSync()];
    assert.deepEqual(cropped([0, 0, 1, 2]), [1, 2, 3, 4, 5, 6]);
    assert.deepEqual(cropped([0, 2, 1, 0]), [3, 2, 1, 6, 5, 4]);
    assert.deepEqual(cropped([1, -1, 2, 1]), [0, 4, 5, 0, 0, 0]);
  });

  it('lose as many columns to a shift as it is wide, at every side, mirrored or not', () => {
    const shifts = [-8, -3, -2, -1, 1, 2, 3, 8];
    for (let side = 9; side <= 256; side++) {
      const boxes = shifts.flatMap((dx) => [
        [0, dx, 0, side - 1 + dx],
        [0, side - 1 + dx, 0, dx],
      ]);
      const cropped = crop(tf.ones([boxes.length, 1, side, 1]), Float32Array.from(boxes.flat()));
      const lost = tf.tidy(() => cropped.less(0.5).sum([1, 2, 3]).dataSync());
      assert.deepEqual(
        [...lost],
        shifts.flatMap((dx) => [Math.abs(dx), Math.abs(dx)]),
        `${side} columns`,
      );
      cropped.dispose();
    }
  });

  it('resize with half-pixel centres, as torch does without antialiasing', () => {
    const image = tf.tensor4d([0, 4], [1, 1, 2, 1]);
    assert.deepEqual([...resize(image, 1, 4).dataSync()], [0, 1, 3, 4]);
    assert.equal(resize(image, 1, 2), image);
  });
});
