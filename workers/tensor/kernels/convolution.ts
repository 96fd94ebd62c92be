/** Convolutions with PyTorch's symmetric padding, and the gradients that are asked for and no others. */
import { type Tensor, type Tensor4D, tf } from '../tensorflow.js';
import { differentiable, execute, only, type Save } from './execute.js';
import { hasAvx512, isOnGpu } from './processor.js';

export interface Sliding {
  /** Side of the square kernel, stride, and zeros on every side of the input. */
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  readonly depthwise: boolean;
}

/** Which gradients exist: of the images or features, of the kernel, or both. */
export interface Differentiated {
  readonly images: boolean;
  readonly kernel: boolean;
}

/** oneDNN's gradient of an input with this many channels or fewer is several times slower than `throughPatches`. */
const FEW_CHANNELS = 2;

/**
 * Without AVX-512, oneDNN's gradient of a kernel of this many values or more takes 1.8 to 8 times as long as
 * `kernelThroughPatches`, whose patches are small where the positions are few.
 */
const LARGE_KERNEL = 2 ** 21;
const FEW_POSITIONS = 64;

interface Padding {
  /** Zeros before and after the rows, and before and after the columns, that have to be added by hand. */
  readonly zeros: readonly [number, number, number, number];
  /** TensorFlow's name of the rest. */
  readonly scheme: 'SAME' | 'VALID';
}

/** TensorFlow's own padding where it is PyTorch's (its kernels for explicit padding are slow); else zeros, none unread. */
export function paddingOf(
  [height, width]: readonly [number, number],
  { kernel, stride, padding }: Omit<Sliding, 'depthwise'>,
): Padding {
  const needed = [height, width].map((side) => {
    const outputs = Math.floor((side + 2 * padding - kernel) / stride) + 1;
    return { total: Math.max(0, (outputs - 1) * stride + kernel - side), same: outputs === Math.ceil(side / stride) };
  }) as [{ total: number; same: boolean }, { total: number; same: boolean }];
  if (needed.every(({ total }) => total === 0)) return { zeros: [0, 0, 0, 0], scheme: 'VALID' };
  const isSame = needed.every(({ total, same }) => same && Math.floor(total / 2) === padding);
  if (isSame) return { zeros: [0, 0, 0, 0], scheme: 'SAME' };
  const after = needed.map(({ total }) => Math.max(0, total - padding)) as [number, number];
  return { zeros: [padding, after[0], padding, after[1]], scheme: 'VALID' };
}

const pad = (x: Tensor4D, [top, bottom, left, right]: Padding['zeros']): Tensor4D =>
  x.pad([
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ]);

/** x [n, h, w, in] with a kernel [k, k, in, out], or [k, k, in, 1] where it is depthwise. */
export function convolution(x: Tensor4D, kernel: Tensor4D, sliding: Sliding, gradients: Differentiated): Tensor4D {
  const { stride, depthwise } = sliding;
  const [n, height, width, channels] = x.shape;
  const { zeros, scheme } = paddingOf([height, width], sliding);
  const isPadded = zeros.some((count) => count > 0);
  const attributes = {
    strides: [1, stride, stride, 1],
    dilations: [1, 1, 1, 1],
    padding: scheme,
    data_format: 'NHWC',
  };
  const name = depthwise ? 'DepthwiseConv2dNative' : 'Conv2D';
  const gradient = (of: 'Input' | 'Filter', inputs: Tensor[]) =>
    only<Tensor4D>(execute(`${name}Backprop${of}`, inputs, attributes));
  const paddedShape = [n, height + zeros[0] + zeros[1], width + zeros[2] + zeros[3], channels];
  const isPlain = !depthwise && stride === 1 && scheme === 'SAME';
  const isPatchwise = isPlain && channels <= FEW_CHANNELS;
  const isLarge =
    isPlain && kernel.size >= LARGE_KERNEL && height * width <= FEW_POSITIONS && !hasAvx512() && !isOnGpu();

  const inputGradient = (dy: Tensor4D, weights: Tensor4D): Tensor4D => {
    if (isPatchwise) return throughPatches(dy, weights);
    const dx = gradient('Input', [tf.tensor1d(paddedShape, 'int32'), weights, dy]);
    return isPadded ? dx.slice([0, zeros[0], zeros[2], 0], x.shape) : dx;
  };
  const forward = (save: Save) => {
    const input = isPadded ? pad(x, zeros) : x;
    save(gradients.kernel ? [kernel, input] : [kernel]);
    return only<Tensor4D>(execute(name, [input, kernel], attributes));
  };
  const backward = (dy: Tensor4D, saved: Tensor[]) => {
    const [weights, input] = saved as [Tensor4D, Tensor4D];
    const wanted: Tensor[] = [];
    if (gradients.images) wanted.push(inputGradient(dy, weights));
    if (gradients.kernel && isLarge) wanted.push(kernelThroughPatches(input, dy, kernel.shape));
    else if (gradients.kernel) wanted.push(gradient('Filter', [input, tf.tensor1d(kernel.shape, 'int32'), dy]));
    return wanted;
  };
  const inputs = [...(gradients.images ? [x] : []), ...(gradients.kernel ? [kernel] : [])];
  return differentiable(inputs, forward, backward);
}

/**
 * The gradient of an input of few channels: what every position of dy says of its k x k patch is one matrix product, and a
 * convolution with a kernel of zeros and ones sums the patches where they overlap.
 */
function throughPatches(dy: Tensor4D, kernel: Tensor4D): Tensor4D {
  const [k, , channels, outputs] = kernel.shape;
  const [n, height, width] = dy.shape;
  const taps = k * k * channels;
  const patches = dy.reshape([-1, outputs]).matMul(kernel.reshape([taps, outputs]), false, true);
  const sum = tf.buffer([k, k, taps, channels]);
  for (let row = 0; row < k; row++)
    for (let column = 0; column < k; column++)
      for (let c = 0; c < channels; c++) sum.set(1, k - 1 - row, k - 1 - column, (row * k + column) * channels + c, c);
  const attributes = { strides: [1, 1, 1, 1], dilations: [1, 1, 1, 1], padding: 'SAME', data_format: 'NHWC' };
  return only(execute('Conv2D', [patches.reshape([n, height, width, taps]), sum.toTensor()], attributes));
}

/** The gradient of a kernel as one matrix product: what every tap of it saw, by what the outputs are asked to become. */
export function kernelThroughPatches(x: Tensor4D, dy: Tensor4D, shape: Tensor4D['shape']): Tensor4D {
  const [k, , channels, outputs] = shape;
  const attributes = { ksizes: [1, k, k, 1], strides: [1, 1, 1, 1], rates: [1, 1, 1, 1], padding: 'SAME' };
  const patches = only(execute('ExtractImagePatches', [x], attributes)).reshape([-1, k * k * channels]);
  return patches.matMul(dy.reshape([-1, outputs]), true).reshape(shape);
}

/** x + bias per channel. */
export function biasAdd(x: Tensor4D, bias: Tensor): Tensor4D {
  return differentiable(
    [x, bias],
    () => only(execute('BiasAdd', [x, bias], { data_format: 'NHWC' })),
    (dy) => [dy, only(execute('BiasAddGrad', [dy], { data_format: 'NHWC' }))],
  );
}
