/**
 * ConvNet-D as data: a list of layers, and two walks over it. Parameters are named as a PyTorch module would name them
 * (`features.0.weight`, `classifier.bias`), and held in TensorFlow's layout: kernels [kh, kw, in, out], the classifier
 * [features, classes], features in NHWC order. workers/nn/checkpoint.ts turns them into torch's layout and back.
 */
import { assertArchitectureFits } from '../../src/domain/architectures.js';
import type { ArchitectureConfig, ImageShape } from '../../src/domain/config.js';
import { type Random, random } from '../../src/domain/random.js';
import {
  type Affine,
  type BatchMoments,
  foldBatchNorm,
  frozenConvolution,
  frozenNormRelu,
  moments,
  relu,
  trainingBatchNorm,
} from '../tensor/kernels.js';
import { type Tensor, type Tensor1D, type Tensor2D, type Tensor4D, tf } from '../tensor/tensorflow.js';

/** One block: convolution, batch norm, ReLU, 2x2 average pooling. Names are prefixes of parameter names. */
interface Block {
  readonly convolution: string;
  readonly norm: string;
  readonly inputs: number;
  readonly outputs: number;
}

export interface Network {
  readonly blocks: readonly Block[];
  readonly shape: ImageShape;
  readonly classes: number;
  /** Height, width and channels of the penultimate features. */
  readonly featureShape: ImageShape;
}

/** Tensors by parameter name. */
export type Parameters = Record<string, Tensor>;

/** Throws UNSUPPORTED_SHAPE where the images are too small. */
export function convNet({ width, depth, ...rest }: ArchitectureConfig, shape: ImageShape, classes: number): Network {
  assertArchitectureFits({ width, depth, ...rest }, shape);
  const blocks = Array.from({ length: depth }, (_, i) => ({
    convolution: `features.${4 * i}`,
    norm: `features.${4 * i + 1}`,
    inputs: i === 0 ? shape.channels : width,
    outputs: width,
  }));
  const halved = (side: number) => Math.floor(side / 2 ** depth);
  return {
    blocks,
    shape,
    classes,
    featureShape: { height: halved(shape.height), width: halved(shape.width), channels: width },
  };
}

export const featuresOf = ({ featureShape: { height, width, channels } }: Network): number => height * width * channels;

export const isTrainable = (name: string): boolean => !name.includes('running_');

export const parameterOf = <T extends Tensor>(parameters: Parameters, name: string): T => {
  const tensor = parameters[name];
  if (tensor === undefined) throw new RangeError(`no parameter ${name}`);
  return tensor as T;
};

/** He's normal initialisation of the convolutions, PyTorch's uniform one of the classifier; seeded. */
export function initialize(network: Network, seed: number): Parameters {
  const source = random(seed, 'initialize');
  const draw = (shape: number[], next: (source: Random) => number) =>
    tf.tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => next(source)),
      shape,
    );
  const parameters: Parameters = {};
  for (const { convolution, norm, inputs, outputs } of network.blocks) {
    const deviation = Math.sqrt(2 / (9 * inputs));
    parameters[`${convolution}.weight`] = draw([3, 3, inputs, outputs], ({ normal }) => deviation * normal());
    parameters[`${norm}.weight`] = tf.ones([outputs]);
    parameters[`${norm}.bias`] = tf.zeros([outputs]);
    parameters[`${norm}.running_mean`] = tf.zeros([outputs]);
    parameters[`${norm}.running_var`] = tf.ones([outputs]);
  }
  const features = featuresOf(network);
  const bound = 1 / Math.sqrt(features);
  const uniform = ({ between }: Random) => between(-bound, bound);
  parameters['classifier.weight'] = draw([features, network.classes], uniform);
  parameters['classifier.bias'] = draw([network.classes], uniform);
  return parameters;
}

const flatten = (x: Tensor4D): Tensor2D => x.reshape([x.shape[0], -1]);

const classify = (parameters: Parameters, features: Tensor2D): Tensor2D =>
  features
    .matMul(parameterOf<Tensor2D>(parameters, 'classifier.weight'))
    .add(parameterOf(parameters, 'classifier.bias'));

/**
 * Logits [n, classes] of normalised images in training mode. `observe` gets the batch's moments at every batch norm, under
 * the norm's name; they outlive any tidy and are the caller's to dispose of.
 */
export function forwardTraining(
  network: Network,
  parameters: Parameters,
  x: Tensor4D,
  observe: (norm: string, moments: BatchMoments) => void,
): Tensor2D {
  let h = x;
  for (const { convolution, norm } of network.blocks) {
    const z = tf.conv2d(h, parameterOf<Tensor4D>(parameters, `${convolution}.weight`), 1, 'same');
    const gamma = parameterOf<Tensor1D>(parameters, `${norm}.weight`);
    const beta = parameterOf<Tensor1D>(parameters, `${norm}.bias`);
    h = tf.avgPool(relu(trainingBatchNorm(z, gamma, beta, (batch) => observe(norm, batch))), 2, 2, 'valid');
  }
  return classify(parameters, flatten(h));
}

/** A network with fixed parameters: its batch norms are folded into affine maps, and only images have gradients. */
export interface FrozenNetwork {
  readonly network: Network;
  readonly parameters: Parameters;
  readonly affines: readonly Affine[];
  dispose(): void;
}

/** The parameters stay the caller's: `dispose` gives back what the folding made. */
export function freeze(network: Network, parameters: Parameters): FrozenNetwork {
  const affines = network.blocks.map(({ norm }) =>
    foldBatchNorm(
      parameterOf(parameters, `${norm}.weight`),
      parameterOf(parameters, `${norm}.bias`),
      parameterOf(parameters, `${norm}.running_mean`),
      parameterOf(parameters, `${norm}.running_var`),
    ),
  );
  const dispose = () => {
    for (const { scale, offset } of affines) tf.dispose([scale, offset]);
  };
  return { network, parameters, affines, dispose };
}

export interface FrozenOutputs {
  /** [n, classes] */
  readonly logits: Tensor2D;
  /** Penultimate features [n, d]. */
  readonly features: Tensor2D;
  /** Mean and biased variance, [2, c], at every batch norm's input; empty unless asked for. */
  readonly moments: readonly Tensor2D[];
}

/** A pass of normalised images [n, h, w, c] in evaluation mode, differentiable in the images. */
export function forwardFrozen(frozen: FrozenNetwork, x: Tensor4D, options: { moments: boolean }): FrozenOutputs {
  const { network, parameters, affines } = frozen;
  const layers: Tensor2D[] = [];
  let h = x;
  network.blocks.forEach(({ convolution }, i) => {
    const z = frozenConvolution(h, parameterOf<Tensor4D>(parameters, `${convolution}.weight`));
    if (options.moments) layers.push(moments(z));
    h = tf.avgPool(frozenNormRelu(z, affines[i] as Affine), 2, 2, 'valid');
  });
  const features = flatten(h);
  return { logits: classify(parameters, features), features, moments: layers };
}
