/** Batch norms: trained, frozen and folded, and the moments of their inputs. */
import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, type Tensor4D, tf } from '../tensorflow.js';
import { reluGradient } from './activation.js';
import { batchNorm, constantsOf, fusesRelu } from './batch-norm.js';
import { differentiable, execute, only, type Save } from './execute.js';

/** Batch norm's epsilon, as PyTorch has it. */
const EPSILON = 1e-5;

/** Mean [c] and unbiased variance [c] of every channel. The caller disposes of them. */
export interface Moments {
  readonly mean: Tensor1D;
  readonly variance: Tensor1D;
}

/** Moments that a batch's are mixed into: share of the batch's, 1 - share of these. */
export interface Running extends Moments {
  readonly share: number;
}

/** Batch norm in training mode: y, mean and unbiased variance, the batch's or mixed ones, and what its gradient reads. */
function ownNorm(x: Tensor4D, gamma: Tensor, beta: Tensor, running?: Running, isRectified = false): Tensor[] {
  const { share = 1 } = running ?? {};
  // A share of 1 wants no moments.
  const [mean, variance] = running && share < 1 ? [running.mean, running.variance] : [tf.tensor1d([]), tf.tensor1d([])];
  return batchNorm(x, [gamma, beta, mean, variance], { epsilon: EPSILON, isTraining: true, share, isRectified });
}

/** x * scale + offset per channel, and ReLU: inference-mode batch norm of mean 0 and variance 1 is the fastest such map. */
function affine(x: Tensor4D, scale: Tensor1D, offset: Tensor1D, isRectified = false): Tensor4D {
  const { zeros, ones } = constantsOf(x.shape[3]);
  return only(batchNorm(x, [scale, offset, zeros, ones], { epsilon: 0, isTraining: false, isRectified }));
}

/**
 * Batch norm with the batch's own moments, and ReLU behind it where `rectified`: differentiable in x, gamma and beta;
 * `observe` gets the running moments after it.
 */
export function trainingNorm(
  x: Tensor4D,
  gamma: Tensor1D,
  beta: Tensor1D,
  running: Running,
  rectified: boolean,
  observe: (moments: Moments) => void,
): Tensor4D {
  const forward = (save: Save) => {
    const [y, mean, variance, ...reserved] = ownNorm(x, gamma, beta, running, rectified) as [
      Tensor4D,
      Tensor1D,
      Tensor1D,
      ...Tensor[],
    ];
    save(rectified ? [x, gamma, ...reserved, y] : [x, gamma, ...reserved]);
    observe({ mean: tf.keep(mean), variance: tf.keep(variance) });
    return y;
  };
  const backward = (dy: Tensor4D, saved: Tensor[]) => {
    const attributes = { epsilon: EPSILON, data_format: 'NHWC', is_training: true };
    const own = rectified ? reluGradient(dy, saved.at(-1) as Tensor) : dy;
    const read = rectified ? saved.slice(0, -1) : saved;
    return execute('FusedBatchNormGradV3', [own, ...read], attributes, 5, ['T', 'U']).slice(0, 3);
  };
  return differentiable([x, gamma, beta], forward, backward);
}

/** The biased moments of every channel, [2, c], out of those of `ownNorm`, over m samples a channel. */
const biased = (mean: Tensor1D, variance: Tensor1D, m: number): Tensor2D =>
  tf.stack([mean, variance.mul((m - 1) / m)]) as Tensor2D;

const samplesOf = ({ shape: [n, height, width] }: Tensor4D): number => n * height * width;

function momentsOf(x: Tensor4D): { mean: Tensor1D; both: Tensor2D } {
  const { zeros, ones } = constantsOf(x.shape[3]);
  const [, mean, variance] = ownNorm(x, ones, zeros) as [Tensor4D, Tensor1D, Tensor1D];
  return { mean, both: biased(mean, variance, samplesOf(x)) };
}

/** What comes to a batch norm. Where a kernel has scaled it, `unscale` [2, c] times its moments are those it had before. */
export interface NormInput {
  readonly x: Tensor4D;
  readonly unscale: Tensor2D | undefined;
}

/** Mean and biased variance of every channel of [n, h, w, c], as [2, c]. Has no gradient. */
export function moments({ x, unscale }: NormInput): Tensor2D {
  const { both } = momentsOf(x);
  return unscale ? both.mul(unscale) : both;
}

/** Keeps the gradient of a norm finite where the norm is 0. */
const TINY = 1e-12;

/**
 * || mean - mean' ||_2 + || var - var' ||_2 for a target [2, c], differentiable in x. With m = n h w samples a channel,
 * d mean / dx = 1 / m and d var / dx = 2 (x - mean) / m, so the gradient is an affine map of x.
 */
export function momentDistance(
  { x, unscale }: NormInput,
  target: Tensor2D,
  observe: (moments: Tensor2D) => void = () => undefined,
): Scalar {
  const forward = (save: Save) => {
    const { mean, both } = momentsOf(x);
    const own = (unscale ? both.mul(unscale) : both) as Tensor2D;
    observe(own);
    const off = own.sub(target);
    const lengths = off.square().sum(1, true).add(TINY).sqrt();
    const direction = off.div(lengths);
    const [toMean, toVariance] = tf.unstack((unscale ? direction.mul(unscale) : direction).div(samplesOf(x))) as [
      Tensor1D,
      Tensor1D,
    ];
    const scale = toVariance.mul(2) as Tensor1D;
    save([x, scale, toMean.sub(mean.mul(scale))]);
    return lengths.sum() as Scalar;
  };
  const backward = (dy: Scalar, saved: Tensor[]) => {
    const [input, scale, offset] = saved as [Tensor4D, Tensor1D, Tensor1D];
    return affine(input, scale.mul(dy), offset.mul(dy));
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

/** What takes the scale out of the moments of a scaled channel: 1 / scale and 1 / scale^2, [2, c]. */
export const unscaleOf = ({ scale }: Affine): Tensor2D =>
  tf.tidy(() => tf.stack([scale.reciprocal(), scale.square().reciprocal()]) as Tensor2D);

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
    const y = affine(x, scale, offset, rectified);
    if (rectified) save([y]);
    return y;
  };
  const backward = (dy: Tensor4D, [y]: Tensor[]) => (y === undefined ? dy : reluGradient(dy, y)).mul(scale);
  return differentiable([x], forward, backward);
}

/** What is left of a frozen batch norm whose scale is in the kernel before it: x + offset, and ReLU where `rectified`. */
export function frozenOffset(x: Tensor4D, offset: Tensor1D, rectified: boolean): Tensor4D {
  const forward = (save: Save) => {
    const sum = () => only<Tensor4D>(execute('BiasAdd', [x, offset], { data_format: 'NHWC' }));
    if (!rectified) return sum();
    const y = fusesRelu() ? affine(x, constantsOf(x.shape[3]).ones, offset, true) : tf.relu(sum());
    save([y]);
    return y;
  };
  return differentiable([x], forward, (dy, [y]) => (y === undefined ? dy : reluGradient(dy, y)));
}
