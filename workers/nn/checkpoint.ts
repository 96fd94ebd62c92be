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
import { type Tensor, tf } from '../tensor/tensorflow.js';
import { initialize, type Network, type Parameters } from './convnet.js';

/** [features, classes] in HWC order <-> [classes, features] in CHW order. */
function toTorch(network: Network, name: string, tensor: Tensor): Tensor {
  if (tensor.rank === 4) return tensor.transpose([3, 2, 0, 1]);
  if (name !== 'classifier.weight') return tensor.clone();
  const { height, width, channels } = network.featureShape;
  return tensor
    .reshape([height, width, channels, network.classes])
    .transpose([3, 2, 0, 1])
    .reshape([network.classes, -1]);
}

function fromTorch(network: Network, name: string, tensor: Tensor): Tensor {
  if (tensor.rank === 4) return tensor.transpose([2, 3, 1, 0]);
  if (name !== 'classifier.weight') return tensor.clone();
  const { height, width, channels } = network.featureShape;
  return tensor
    .reshape([network.classes, channels, height, width])
    .transpose([2, 3, 1, 0])
    .reshape([-1, network.classes]);
}

const stored = (tensor: Tensor): StoredTensor => ({
  dtype: 'F32',
  shape: tensor.shape,
  data: tensor.dataSync<'float32'>(),
});

/** Bytes of a torch-compatible checkpoint; equal parameters give equal bytes. */
export function encodeParameters(network: Network, parameters: Parameters): Buffer {
  return tf.tidy(() =>
    encodeSafetensors(
      Object.fromEntries(
        Object.entries(parameters).map(([name, tensor]) => [name, stored(toTorch(network, name, tensor))]),
      ),
      { format: 'pt' },
    ),
  );
}

/** Reads a checkpoint of this very network. Throws OBJECT_CORRUPT where a tensor is missing or has another shape. */
export function decodeParameters(network: Network, bytes: Uint8Array): Parameters {
  const file = decodeSafetensors(bytes);
  return tf.tidy(() => {
    const expected = initialize(network, 0);
    const names = Object.keys(expected);
    const unknown = [...file.tensors.keys()].find(
      (name) => !names.includes(name) && !name.endsWith('num_batches_tracked'),
    );
    if (unknown !== undefined) {
      throw new TeddyhubError('OBJECT_CORRUPT', `The checkpoint has a parameter ${unknown} that the network has not.`);
    }
    return Object.fromEntries(
      names.map((name) => {
        const { shape } = toTorch(network, name, expected[name] as Tensor);
        const { data } = tensorOfFile(file, name, 'F32', shape);
        return [name, fromTorch(network, name, tf.tensor(data, shape))];
      }),
    );
  });
}

/** Named tensors as they are, for a task's own checkpoints. */
export const snapshot = (tensors: Readonly<Record<string, Tensor>>): Record<string, StoredTensor> =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, stored(tensor)]));

/** Reads back what `snapshot` wrote under a prefix. */
export function restore(bytes: Uint8Array, prefix: string): Record<string, Tensor> {
  const tensors: Record<string, Tensor> = {};
  for (const [name, { dtype, shape, data }] of decodeSafetensors(bytes).tensors) {
    if (name.startsWith(prefix) && dtype === 'F32') tensors[name.slice(prefix.length)] = tf.tensor(data, [...shape]);
  }
  return tensors;
}
