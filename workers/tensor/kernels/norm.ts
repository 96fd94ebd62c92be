/** Batch norms: trained, frozen and folded, and the moments of their inputs. */
import { type Tensor, type Tensor1D, type Tensor2D, type Tensor4D, tf } from '../tensorflow.js';
import { reluGradient } from './activation.js';
import { differentiable, execute, only, type Save } from './execute.js';

/** Batch norm's epsilon, as PyTorch has it. */
const EPSILON = 1e-5;

const ATTRIBUTES = { epsilon: EPSILON, data_format: 'NHWC' };
const TYPES = ['T', 'U'];

/** FusedBatchNormV3 in training mode: y, mean, unbiased variance, and what its gradient reads. */
function fusedNorm(x: Tensor4D, gamma: Tensor, beta: Tensor): Tensor[] {
  const none = tf.tensor1d([]);
  return execute('FusedBatchNormV3', [x, gamma, beta, none, none], { ...ATTRIBUTES, is_training: true }, 6, TYPES);
}

/** x * scale + offset per channel: inference-mode batch norm of mean 0 and variance 1 is the fastest such map. */
function affine(x: Tensor4D, scale: Tensor1D, offset: Tensor1D): Tensor4D {
  const attributes = { epsilon: 0, data_format: 'NHWC', is_training: false };
  const inputs = [x, scale, offset, tf.zerosLike(scale), tf.onesLike(scale)];
  return only(execute('FusedBatchNormV3', inputs, attributes, 6, TYPES));
}

/** Moments of one batch at a batch norm's input: mean [c] and unbiased variance [c]. The caller disposes of them. */
export interface BatchMoments {
  readonly mean: Tensor1D;
  readonly variance: Tensor1D;
}

/** Batch norm with the batch's own moments, differentiable in x, gamma and beta; the moments go to `observe`. */
export function trainingNorm(
  x: Tensor4D,
  gamma: Tensor1D,
  beta: Tensor1D,
  observe: (moments: BatchMoments) => void,
): Tensor4D {
  const forward = (save: Save) => {
    const [y, mean, variance, ...reserved] = fusedNorm(x, gamma, beta) as [Tensor4D, Tensor1D, Tensor1D, ...Tensor[]];
    save([x, gamma, ...reserved]);
    observe({ mean: tf.keep(mean), variance: tf.keep(variance) });
    return y;
  };
  const backward = (dy: Tensor4D, saved: Tensor[]) => {
    const attributes = { ...ATTRIBUTES, is_training: true };
    return execute('FusedBatchNormGradV3', [dy, ...saved], attributes, 5, TYPES).slice(0, 3);
  };
  return differentiable([x, gamma, beta], forward, backward);
}

/**
 * Mean and biased variance of every channel of [n, h, w, c], as [2, c]. With m = n h w samples a channel,
 * d mean / dx = 1 / m and d var / dx = 2 (x - mean) / m, so the gradient is an affine map of x.
 */
export function moments(x: Tensor4D): Tensor2D {
  const m = x.shape[0] * x.shape[1] * x.shape[2];
  const forward = (save: Save) => {
    const ones = tf.ones([x.shape[3]]);
    const [, mean, variance] = fusedNorm(x, ones, tf.zerosLike(ones)) as [Tensor4D, Tensor1D, Tensor1D];
    save([x, mean]);
    return tf.stack([mean, variance.mul((m - 1) / m)]) as Tensor2D;
  };
  const backward = (dy: Tensor2D, saved: Tensor[]) => {
    const [input, mean] = saved as [Tensor4D, Tensor1D];
    const [toMean, toVariance] = tf.unstack(dy) as [Tensor1D, Tensor1D];
    const scale = toVariance.mul(2 / m) as Tensor1D;
    return affine(input, scale, toMean.div(m).sub(mean.mul(scale)));
  };
  return differentiable([x], forward, backward);
}

/** Scale and offset of a frozen batch norm: y = x * scale + offset, per channel. */
export interface Affine {
  readonly scale: Tensor1D;
  readonly offset: Tensor1D;
}

/** Folded into a kernel, a scale of 0 would lose the moments of its channel; this one is as good as 0 and does not. */
const LEAST_SCALE = 1e-12;

/** scale = gamma / sqrt(var + eps), offset = beta - mean * scale. */
export function foldNorm(gamma: Tensor, beta: Tensor, mean: Tensor, variance: Tensor): Affine {
  const scale = tf.tidy(() => {
    const exact = gamma.div(variance.add(EPSILON).sqrt());
    return tf.where(exact.abs().less(LEAST_SCALE), tf.onesLike(exact).mul(LEAST_SCALE), exact) as Tensor1D;
  });
  return { scale, offset: tf.tidy(() => beta.sub(mean.mul(scale)) as Tensor1D) };
}

/** x * scale + offset of a frozen batch norm, and ReLU behind it where `rectified`: differentiable in x alone. */
export function frozenNorm(x: Tensor4D, { scale, offset }: Affine, rectified: boolean): Tensor4D {
  const forward = (save: Save) => {
    const y = affine(x, scale, offset);
    if (!rectified) return y;
    const kept = tf.relu(y);
    save([kept]);
    return kept;
  };
  const backward = (dy: Tensor4D, [y]: Tensor[]) => (y === undefined ? dy : reluGradient(dy, y)).mul(scale);
  return differentiable([x], forward, backward);
}

/** What is left of a frozen batch norm whose scale is in the kernel before it: x + offset, and ReLU where `rectified`. */
export function frozenOffset(x: Tensor4D, offset: Tensor1D, rectified: boolean): Tensor4D {
  const forward = (save: Save) => {
    const y = only<Tensor4D>(execute('BiasAdd', [x, offset], { data_format: 'NHWC' }));
    if (!rectified) return y;
    const kept = tf.relu(y);
    save([kept]);
    return kept;
  };
  return differentiable([x], forward, (dy, [y]) => (y === undefined ? dy : reluGradient(dy, y)));
}
