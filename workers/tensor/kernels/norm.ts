/** Batch norms: trained, frozen and folded. */
import { type Tensor, type Tensor1D, type Tensor2D, type Tensor4D, tf } from '../tensorflow.js';
import { reluGradient } from './activation.js';
import { affine, constantsOf, EPSILON, fusesRelu, type Moments, ownNorm, type Running } from './batch-norm.js';
import { differentiable, execute, only, type Save } from './execute.js';

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
