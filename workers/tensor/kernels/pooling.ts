/** Pooling, global means and the channel shuffle. */
import { type Tensor, type Tensor4D, tf } from '../tensorflow.js';
import { paddingOf } from './convolution.js';
import { differentiable, execute, only } from './execute.js';

/** Means of size x size windows that do not overlap; rows and columns that fill no window are left out. */
export function averagePool(x: Tensor4D, size: number): Tensor4D {
  const [n, height, width, channels] = x.shape;
  const backward = (dy: Tensor4D) => {
    if (height % size === 0 && width % size === 0) {
      // Every gradient is repeated over its window: a copy, where AvgPoolGrad adds.
      const rows = dy.div(size * size).reshape([n * dy.shape[1], 1, dy.shape[2], channels]);
      return rows.tile([1, size, 1, size]).reshape(x.shape);
    }
    const attributes = {
      ksize: [1, size, size, 1],
      strides: [1, size, size, 1],
      padding: 'VALID',
      data_format: 'NHWC',
    };
    return only<Tensor>(execute('AvgPoolGrad', [tf.tensor1d(x.shape, 'int32'), dy], attributes));
  };
  return differentiable([x], () => tf.avgPool(x, size, size, 'valid'), backward);
}

/** Maxima of size x size windows of an input that is nowhere negative, `padding` zeros around it. */
export function maxPool(x: Tensor4D, size: number, stride: number, padding: number): Tensor4D {
  const { zeros, scheme } = paddingOf([x.shape[1], x.shape[2]], { kernel: size, stride, padding });
  const [top, bottom, left, right] = zeros;
  const padded = zeros.some((count) => count > 0)
    ? x.pad([
        [0, 0],
        [top, bottom],
        [left, right],
        [0, 0],
      ])
    : x;
  return tf.maxPool<Tensor4D>(padded as Tensor4D, size, stride, scheme === 'SAME' ? 'same' : 'valid');
}

/** The mean over all positions, [n, 1, 1, c]. */
export function globalMean(x: Tensor4D): Tensor4D {
  const [, height, width] = x.shape;
  return differentiable(
    [x],
    () => x.mean([1, 2], true) as Tensor4D,
    (dy) => dy.div(height * width).broadcastTo(x.shape),
  );
}

/** Channels of the two halves in turn: a0 b0 a1 b1 ... */
export function shuffle(x: Tensor4D): Tensor4D {
  const [n, height, width, channels] = x.shape;
  const positions = n * height * width;
  return x
    .reshape([positions, 2, channels / 2])
    .transpose([0, 2, 1])
    .reshape(x.shape);
}
