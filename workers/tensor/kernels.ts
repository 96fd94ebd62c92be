/**
 * Differentiable operations over TensorFlow's own kernels, where tfjs composes slower ones. Activations are NHWC float32,
 * per-channel vectors [c]. Every gradient here is checked against finite differences in tests/engine/kernels.test.ts.
 */
import { type Tensor, type Tensor1D, type Tensor2D, type Tensor4D, tf } from './tensorflow.js';

/** Batch norm's epsilon, as PyTorch has it. */
export const EPSILON = 1e-5;

interface Attribute {
  name: string;
  type: number;
  value: boolean | number | number[] | string;
}

interface Backend {
  readonly binding: Record<'TF_ATTR_TYPE' | 'TF_ATTR_BOOL' | 'TF_ATTR_FLOAT' | 'TF_ATTR_STRING' | 'TF_FLOAT', number>;
  executeMultipleOutputs(name: string, attributes: Attribute[], inputs: Tensor[], outputs: number): Tensor[];
}

type Save = (tensors: Tensor[]) => void;

/** Runs one TensorFlow operation on float32 inputs; `types` are the names of its type attributes. */
function execute(
  name: string,
  inputs: Tensor[],
  attributes: Record<string, boolean | number | string> = {},
  outputs = 1,
  types: readonly string[] = ['T'],
): Tensor[] {
  const backend = tf.backend() as unknown as Backend;
  const { TF_ATTR_TYPE, TF_ATTR_BOOL, TF_ATTR_FLOAT, TF_ATTR_STRING, TF_FLOAT } = backend.binding;
  const typeOf = (value: boolean | number | string) =>
    typeof value === 'boolean' ? TF_ATTR_BOOL : typeof value === 'number' ? TF_ATTR_FLOAT : TF_ATTR_STRING;
  const list: Attribute[] = [
    ...types.map((type) => ({ name: type, type: TF_ATTR_TYPE, value: TF_FLOAT })),
    ...Object.entries(attributes).map(([key, value]) => ({ name: key, type: typeOf(value), value })),
  ];
  return backend.executeMultipleOutputs(name, list, inputs, outputs);
}

/** An operation of tensors with a gradient of its own; `save` keeps what the gradient needs. */
function differentiable<T extends Tensor>(
  inputs: Tensor[],
  forward: (save: Save) => T,
  backward: (dy: T, saved: Tensor[]) => Tensor | Tensor[],
): T {
  const operation = tf.customGrad((...args: unknown[]) => ({
    value: forward(args.at(-1) as Save),
    gradFunc: (dy: Tensor, saved: Tensor[]) => backward(dy as T, saved),
  }));
  return operation(...inputs) as T;
}

const only = <T extends Tensor>(tensors: Tensor[]): T => tensors[0] as T;
const reluGradient = <T extends Tensor>(dy: T, y: Tensor): T => only(execute('ReluGrad', [dy, y]));

const BATCH_NORM = { epsilon: EPSILON, data_format: 'NHWC' };
const BATCH_NORM_TYPES = ['T', 'U'];

/** FusedBatchNormV3 in training mode: y, mean, unbiased variance, and what its gradient reads. */
function batchNorm(x: Tensor4D, gamma: Tensor, beta: Tensor): Tensor[] {
  const none = tf.tensor1d([]);
  const attributes = { ...BATCH_NORM, is_training: true };
  return execute('FusedBatchNormV3', [x, gamma, beta, none, none], attributes, 6, BATCH_NORM_TYPES);
}

const samplesOf = (x: Tensor4D): number => x.shape[0] * x.shape[1] * x.shape[2];

/** x * scale + offset per channel: inference-mode batch norm of mean 0 and variance 1 is the fastest such map. */
function affine(x: Tensor4D, scale: Tensor1D, offset: Tensor1D): Tensor4D {
  const attributes = { epsilon: 0, data_format: 'NHWC', is_training: false };
  const inputs = [x, scale, offset, tf.zerosLike(scale), tf.onesLike(scale)];
  return only(execute('FusedBatchNormV3', inputs, attributes, 6, BATCH_NORM_TYPES));
}

/** max(x, 0), its gradient by the kernel ReluGrad. */
export function relu(x: Tensor4D): Tensor4D {
  const forward = (save: Save) => {
    const y = tf.relu(x);
    save([y]);
    return y;
  };
  return differentiable([x], forward, (dy, saved) => reluGradient(dy, only(saved)));
}

/** Moments of one batch at a batch norm's input: mean [c] and unbiased variance [c]. The caller disposes of them. */
export interface BatchMoments {
  readonly mean: Tensor1D;
  readonly variance: Tensor1D;
}

/** Batch norm with the batch's own moments, differentiable in x, gamma and beta; the moments go to `observe`. */
export function trainingBatchNorm(
  x: Tensor4D,
  gamma: Tensor1D,
  beta: Tensor1D,
  observe: (moments: BatchMoments) => void,
): Tensor4D {
  const forward = (save: Save) => {
    const [y, mean, variance, ...reserved] = batchNorm(x, gamma, beta) as [Tensor4D, Tensor1D, Tensor1D, ...Tensor[]];
    save([x, gamma, ...reserved]);
    observe({ mean: tf.keep(mean), variance: tf.keep(variance) });
    return y;
  };
  const backward = (dy: Tensor4D, saved: Tensor[]) => {
    const attributes = { ...BATCH_NORM, is_training: true };
    return execute('FusedBatchNormGradV3', [dy, ...saved], attributes, 5, BATCH_NORM_TYPES).slice(0, 3);
  };
  return differentiable([x, gamma, beta], forward, backward);
}

/**
 * Mean and biased variance of every channel of [n, h, w, c], as [2, c]. With m = n h w samples a channel,
 * d mean / dx = 1 / m and d var / dx = 2 (x - mean) / m, so the gradient is an affine map of x.
 */
export function moments(x: Tensor4D): Tensor2D {
  const m = samplesOf(x);
  const forward = (save: Save) => {
    const ones = tf.ones([x.shape[3]]);
    const [, mean, variance] = batchNorm(x, ones, tf.zerosLike(ones)) as [Tensor4D, Tensor1D, Tensor1D];
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

/** Folds a frozen batch norm: scale = gamma / sqrt(var + eps), offset = beta - mean * scale. */
export function foldBatchNorm(gamma: Tensor, beta: Tensor, mean: Tensor, variance: Tensor): Affine {
  const scale = tf.tidy(() => gamma.div(variance.add(EPSILON).sqrt()) as Tensor1D);
  return { scale, offset: tf.tidy(() => beta.sub(mean.mul(scale)) as Tensor1D) };
}

/** relu(x * scale + offset) of a frozen batch norm: differentiable in x alone. */
export function frozenNormRelu(x: Tensor4D, { scale, offset }: Affine): Tensor4D {
  const forward = (save: Save) => {
    const y = tf.relu(affine(x, scale, offset));
    save([y]);
    return y;
  };
  return differentiable([x], forward, (dy, saved) => reluGradient(dy, only(saved)).mul(scale));
}

/** A frozen 3x3-like convolution [kh, kw, in, out], stride 1, `same`: no gradient of the kernel is computed. */
export function frozenConvolution(x: Tensor4D, kernel: Tensor4D): Tensor4D {
  const backward = (dy: Tensor4D) => tf.conv2dTranspose(dy, kernel, x.shape, 1, 'same');
  return differentiable([x], () => tf.conv2d(x, kernel, 1, 'same'), backward);
}

/** Bilinear resizing with half-pixel centres and no antialiasing, as torch's `interpolate(align_corners=False)` does. */
export function resize(x: Tensor4D, height: number, width: number): Tensor4D {
  if (x.shape[1] === height && x.shape[2] === width) return x;
  const attributes = { align_corners: false, half_pixel_centers: true };
  const forward = (save: Save) => {
    save([x]);
    return tf.image.resizeBilinear(x, [height, width], false, true);
  };
  return differentiable([x], forward, (dy, saved) =>
    only(execute('ResizeBilinearGrad', [dy, only(saved)], attributes)),
  );
}

/**
 * One bilinear crop of every image: `boxes` [n, 4] are the positions y1, x1, y2, x2, in pixels, of the centres of the
 * result's first and last rows and columns; x1 > x2 flips. What lies outside the image is 0.
 */
export function crop(x: Tensor4D, boxes: Float32Array): Tensor4D {
  const [n, height, width] = x.shape;
  const sides = [height - 1, width - 1, height - 1, width - 1].map((side) => Math.max(1, side));
  const normalized = tf.tensor2d(
    boxes.map((position, i) => position / (sides[i % 4] as number)),
    [n, 4],
  );
  const index = tf.range(0, n, 1, 'int32');
  const forward = (save: Save) => {
    save([normalized, index]);
    return tf.image.cropAndResize(x, normalized, index, [height, width], 'bilinear', 0);
  };
  const backward = (dy: Tensor4D, saved: Tensor[]) => {
    const size = tf.tensor1d(x.shape, 'int32');
    return only(execute('CropAndResizeGradImage', [dy, ...saved, size], { method: 'bilinear' }));
  };
  return differentiable([x], forward, backward);
}
