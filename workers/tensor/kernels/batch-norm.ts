/** TensorFlow's batch norm, with ReLU in the same pass over the activations where that is quicker. */
import { type Tensor, type Tensor1D, type Tensor4D, tf } from '../tensorflow.js';
import { execute, only } from './execute.js';
import { hasAvx512, isOnGpu } from './processor.js';

export interface BatchNorm {
  readonly epsilon: number;
  /** The batch's own moments; those of the inputs where it is false. */
  readonly isTraining: boolean;
  /** Of the batch's moments in the ones that come out: 1 where no old ones are given. */
  readonly share?: number;
  /** Whether ReLU follows. */
  readonly isRectified: boolean;
}

const TYPES = ['T', 'U'];

/** y; mean and unbiased variance [c], the batch's or mixed ones; and what `FusedBatchNormGradV3` reads. */
export function batchNorm(
  x: Tensor4D,
  [gamma, beta, mean, variance]: readonly [Tensor, Tensor, Tensor, Tensor],
  { epsilon, isTraining, share = 1, isRectified }: BatchNorm,
): Tensor[] {
  const inputs = [x, gamma, beta, mean, variance];
  const attributes = { epsilon, data_format: 'NHWC', is_training: isTraining, exponential_avg_factor: share };
  if (isRectified && fusesRelu()) return execute(FUSED, inputs, { ...attributes, ...RECTIFIED }, 6, TYPES);
  const [y, ...others] = execute('FusedBatchNormV3', inputs, attributes, 6, TYPES) as [Tensor, ...Tensor[]];
  return [isRectified ? tf.relu(y) : y, ...others];
}

/** What TensorFlow's graph optimizer puts in the place of the two for oneDNN. The label is that of its eager kernels. */
const FUSED = '_MklNativeFusedBatchNormEx';
const RECTIFIED = { activation_mode: 'Relu', _kernel: 'MklNameChangeOp' };

let isFused: boolean | undefined;

/**
 * Whether batch norm and ReLU are one operation here: with AVX-512 in 50 to 80 % of the time, and without in twice the time. The
 * bits are the same, but for what is no number: of that it makes 0, so that training looks for it elsewhere
 * (workers/nn/training.ts). The operation is TensorFlow's own affair, and another build of it may have none.
 */
export function fusesRelu(): boolean {
  isFused ??= process.env.TF_ENABLE_ONEDNN_OPTS !== '0' && !isOnGpu() && hasAvx512() && isThere();
  return isFused;
}

function isThere(): boolean {
  return tf.tidy(() => {
    const { zeros, ones } = constantsOf(1);
    const attributes = { epsilon: 0, data_format: 'NHWC', is_training: false, exponential_avg_factor: 1, ...RECTIFIED };
    try {
      execute(FUSED, [tf.zeros([1, 1, 1, 1]), ones, zeros, zeros, ones], attributes, 6, TYPES);
      return true;
    } catch {
      return false;
    }
  });
}

const constants = new Map<number, { readonly zeros: Tensor1D; readonly ones: Tensor1D }>();

/** [c] of zeros and of ones, which every step would make anew. They live as long as the process. */
export function constantsOf(channels: number): { readonly zeros: Tensor1D; readonly ones: Tensor1D } {
  const known = constants.get(channels);
  if (known) return known;
  const made = { zeros: tf.keep(tf.zeros([channels])) as Tensor1D, ones: tf.keep(tf.ones([channels])) as Tensor1D };
  constants.set(channels, made);
  return made;
}

/** Mean [c] and unbiased variance [c] of every channel. The caller disposes of them. */
export interface Moments {
  readonly mean: Tensor1D;
  readonly variance: Tensor1D;
}

/** Moments that a batch's are mixed into: share of the batch's, 1 - share of these. */
export interface Running extends Moments {
  readonly share: number;
}

/** Batch norm's epsilon, as PyTorch has it. */
export const EPSILON = 1e-5;

/** Batch norm in training mode: y, mean and unbiased variance, the batch's or mixed ones, and what its gradient reads. */
export function ownNorm(x: Tensor4D, gamma: Tensor, beta: Tensor, running?: Running, isRectified = false): Tensor[] {
  const { share = 1 } = running ?? {};
  // A share of 1 wants no moments.
  const [mean, variance] = running && share < 1 ? [running.mean, running.variance] : [tf.tensor1d([]), tf.tensor1d([])];
  return batchNorm(x, [gamma, beta, mean, variance], { epsilon: EPSILON, isTraining: true, share, isRectified });
}

/** x * scale + offset per channel, and ReLU: inference-mode batch norm of mean 0 and variance 1 is the fastest such map. */
export function affine(x: Tensor4D, scale: Tensor1D, offset: Tensor1D, isRectified = false): Tensor4D {
  const { zeros, ones } = constantsOf(x.shape[3]);
  return only(batchNorm(x, [scale, offset, zeros, ones], { epsilon: 0, isTraining: false, isRectified }));
}
