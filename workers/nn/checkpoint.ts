/**
 * Parameters as safetensors in PyTorch's layout: kernels [out, in, kh, kw], the classifier [classes, features] with
 * features in CHW order, so that a torch module of the same shape loads them by name.
 */
import { TeddyhubError } from '../../src/domain/errors.js';
import {
  decodeSafetensors,
  encodeSafetensors,
  type StoredTensor,
  tensorOfFile,
} from '../../src/formats/safetensors.js';
import { type Tensor, tf, valuesOf } from '../tensor/tensorflow.js';
import { featuresOf, type Network, type ParameterSpec } from './network.js';
import { type Parameters, parameterOf } from './parameters.js';

/** A parameter in torch's layout: features in CHW order, output channels first. */
function toTorch({ featureShape, classes }: Network, { kind }: ParameterSpec, tensor: Tensor): Tensor {
  if (kind === 'KERNEL') return tensor.transpose([3, 2, 0, 1]);
  if (kind === 'DEPTHWISE') return tensor.transpose([2, 3, 0, 1]);
  if (kind !== 'CLASSIFIER') return tensor.clone();
  const { height, width, channels } = featureShape;
  return tensor.reshape([height, width, channels, classes]).transpose([3, 2, 0, 1]).reshape([classes, -1]);
}

function fromTorch({ featureShape, classes }: Network, { kind }: ParameterSpec, tensor: Tensor): Tensor {
  if (kind === 'KERNEL') return tensor.transpose([2, 3, 1, 0]);
  if (kind === 'DEPTHWISE') return tensor.transpose([2, 3, 0, 1]);
  if (kind !== 'CLASSIFIER') return tensor.clone();
  const { height, width, channels } = featureShape;
  return tensor.reshape([classes, channels, height, width]).transpose([2, 3, 1, 0]).reshape([-1, classes]);
}

/** The shape a parameter has in torch's layout. */
export function torchShape(network: Network, { kind, shape }: ParameterSpec): number[] {
  const [first = 0, second = 0, third = 0, fourth = 0] = shape;
  if (kind === 'KERNEL') return [fourth, third, first, second];
  if (kind === 'DEPTHWISE') return [third, fourth, first, second];
  return kind === 'CLASSIFIER' ? [network.classes, featuresOf(network)] : [...shape];
}

/**
 * Bytes of a torch-compatible checkpoint: equal parameters of equal networks give equal bytes. Digests of checkpoints stand for
 * teachers, in the cache of statistics, so that the stem must be in them.
 */
export function encodeParameters(network: Network, parameters: Parameters): Buffer {
  const stored = network.parameters.map((spec): [string, StoredTensor] => {
    const data = valuesOf(() => toTorch(network, spec, parameterOf(parameters, spec.name)));
    return [spec.name, { dtype: 'F32', shape: torchShape(network, spec), data }];
  });
  return encodeSafetensors(Object.fromEntries(stored), { format: 'pt', ...(network.stem && { stem: network.stem }) });
}

/** Reads a checkpoint of this very network. Throws OBJECT_CORRUPT where a tensor is missing or has another shape. */
export function decodeParameters(network: Network, bytes: Uint8Array): Parameters {
  const file = decodeSafetensors(bytes);
  const names = new Set(network.parameters.map(({ name }) => name));
  const unknown = [...file.tensors.keys()].find((name) => !names.has(name) && !name.endsWith('num_batches_tracked'));
  if (unknown !== undefined) {
    throw new TeddyhubError('OBJECT_CORRUPT', `The checkpoint has a parameter ${unknown} that the network has not.`);
  }
  return tf.tidy(() =>
    Object.fromEntries(
      network.parameters.map((spec) => {
        const shape = torchShape(network, spec);
        const { data } = tensorOfFile(file, spec.name, 'F32', shape);
        return [spec.name, fromTorch(network, spec, tf.tensor(data, shape))];
      }),
    ),
  );
}

/** Named tensors as they are, for a task's own checkpoints. */
export const snapshot = (tensors: Readonly<Record<string, Tensor>>): Record<string, StoredTensor> =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => {
      return [name, { dtype: 'F32', shape: tensor.shape, data: tensor.dataSync<'float32'>() }];
    }),
  );

/** Names under a prefix, for a task's own checkpoints. */
export const under = (prefix: string, tensors: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [prefix + name, tensor]));

/** Reads back what `snapshot` wrote under a prefix. */
export function restore(bytes: Uint8Array, prefix: string): Record<string, Tensor> {
  const tensors: Record<string, Tensor> = {};
  for (const [name, { dtype, shape, data }] of decodeSafetensors(bytes).tensors) {
    if (name.startsWith(prefix) && dtype === 'F32') tensors[name.slice(prefix.length)] = tf.tensor(data, [...shape]);
  }
  return tensors;
}
