/**
 * Parameters of a network as tensors by name, in TensorFlow's layout: kernels [kh, kw, in, out], depthwise ones
 * [kh, kw, c, 1], the classifier [features, classes] with features in NHWC order. workers/nn/checkpoint.ts turns them into
 * torch's layout and back.
 */
import { type Random, random } from '../../src/domain/random.js';
import { type Tensor, tf } from '../tensor/tensorflow.js';
import type { KernelInit, Network, ParameterSpec } from './network.js';

export type Parameters = Record<string, Tensor>;

export const copyOf = (parameters: Parameters): Parameters =>
  Object.fromEntries(Object.entries(parameters).map(([name, tensor]) => [name, tensor.clone()]));

export const isTrainable = (name: string): boolean => !name.includes('running_');

export const parameterOf = <T extends Tensor>(parameters: Parameters, name: string): T => {
  const tensor = parameters[name];
  if (tensor === undefined) throw new RangeError(`no parameter ${name}`);
  return tensor as T;
};

/** How one value of a convolution's kernel is drawn. */
function kernelDraw(spec: ParameterSpec & { kind: 'KERNEL' | 'DEPTHWISE' }, init: KernelInit) {
  const [height, width, third, fourth] = spec.shape;
  const [inputs, outputs] = spec.kind === 'DEPTHWISE' ? [1, third] : [third, fourth];
  const fan = height * width * (init === 'FAN_OUT' ? outputs : inputs);
  // PyTorch counts the fan-out over all groups of a convolution, depthwise ones included, and the fan-in over one.
  const deviation = Math.sqrt(2 / fan);
  const bound = 1 / Math.sqrt(fan);
  return init === 'UNIFORM'
    ? ({ between }: Random) => between(-bound, bound)
    : ({ normal }: Random) => deviation * normal();
}

/** Seeded: kernels as the architecture says, biases and the classifier by PyTorch's uniform default, norms as identities. */
export function initialize(network: Network, seed: number): Parameters {
  const source = random(seed, 'initialize');
  const draw = (shape: readonly number[], next: (source: Random) => number) =>
    tf.tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => next(source)),
      [...shape],
    );
  const uniform = (inputs: number) => {
    const bound = 1 / Math.sqrt(inputs);
    return ({ between }: Random) => between(-bound, bound);
  };
  const tensorOf = (spec: ParameterSpec): Tensor => {
    switch (spec.kind) {
      case 'KERNEL':
      case 'DEPTHWISE':
        return draw(spec.shape, kernelDraw(spec, network.kernelInit));
      case 'BIAS':
        return draw(spec.shape, uniform(spec.inputs));
      case 'CLASSIFIER':
        return draw(spec.shape, uniform(spec.shape[0]));
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
