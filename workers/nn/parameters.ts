/**
 * Parameters of a network as tensors by name, in TensorFlow's layout: kernels [kh, kw, in, out], depthwise ones
 * [kh, kw, c, 1], the classifier [features, classes] with features in NHWC order. workers/nn/checkpoint.ts turns them into
 * torch's layout and back.
 */
import { type Random, random } from '../../src/domain/random.js';
import { type Tensor, tf } from '../tensor/tensorflow.js';
import type { Initialization, Network, ParameterSpec } from './network.js';

export type Parameters = Record<string, Tensor>;

export const copyOf = (parameters: Parameters): Parameters =>
  Object.fromEntries(Object.entries(parameters).map(([name, tensor]) => [name, tensor.clone()]));

export const isTrainable = (name: string): boolean => !name.includes('running_');

export const parameterOf = <T extends Tensor>(parameters: Parameters, name: string): T => {
  const tensor = parameters[name];
  if (tensor === undefined) throw new RangeError(`no parameter ${name}`);
  return tensor as T;
};

type Draw = (source: Random) => number;

const uniform =
  (bound: number): Draw =>
  ({ between }) =>
    between(-bound, bound);
const normal =
  (deviation: number): Draw =>
  (source) =>
    deviation * source.normal();

/** How one value of a convolution's kernel is drawn. */
function kernelDraw(spec: ParameterSpec & { kind: 'KERNEL' | 'DEPTHWISE' }, { kernels }: Initialization): Draw {
  const [height, width, third, fourth] = spec.shape;
  const [inputs, outputs] = spec.kind === 'DEPTHWISE' ? [1, third] : [third, fourth];
  // PyTorch counts the fan-out over all groups of a convolution, depthwise ones included, and the fan-in over one.
  const fan = height * width * (kernels === 'FAN_OUT' ? outputs : inputs);
  return kernels === 'UNIFORM' ? uniform(1 / Math.sqrt(fan)) : normal(Math.sqrt(2 / fan));
}

function classifierDraw([features, classes]: readonly [number, number], { classifier }: Initialization): Draw {
  if (classifier === 'NORMAL') return normal(0.01);
  return uniform(1 / Math.sqrt(classifier === 'BY_CLASSES' ? classes : features));
}

/** Seeded: kernels, biases and the classifier as the network's `initialization` says, norms as identities. */
export function initialize(network: Network, seed: number): Parameters {
  const source = random(seed, 'initialize');
  const { initialization } = network;
  const draw = (shape: readonly number[], next: Draw) =>
    tf.tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => next(source)),
      [...shape],
    );
  const tensorOf = (spec: ParameterSpec): Tensor => {
    switch (spec.kind) {
      case 'KERNEL':
      case 'DEPTHWISE':
        return draw(spec.shape, kernelDraw(spec, initialization));
      case 'BIAS':
        return initialization.biases === 'ZERO'
          ? tf.zeros([...spec.shape])
          : draw(spec.shape, uniform(1 / Math.sqrt(spec.inputs)));
      case 'CLASSIFIER':
        return draw(spec.shape, classifierDraw(spec.shape, initialization));
      case 'NORM_WEIGHT':
      case 'RUNNING_VAR':
        return tf.ones([...spec.shape]);
      case 'NORM_BIAS':
      case 'RUNNING_MEAN':
        return tf.zeros([...spec.shape]);
    }
  };
  return Object.fromEntries(network.parameters.map((spec) => [spec.name, tensorOf(spec)]));
}
