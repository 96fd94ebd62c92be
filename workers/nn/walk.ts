/** The walk over a network's nodes that training and frozen passes share: they differ in their convolutions and norms. */
import { averagePool, globalMean, maxPool, relu, relu6, shuffle, sigmoid, silu } from '../tensor/kernels/index.js';
import { type Tensor2D, type Tensor4D, tf } from '../tensor/tensorflow.js';
import type { Activation, Convolution, Network, Node, Ref } from './network.js';

export interface Layers {
  /** `at` is the position of the node. */
  convolution(x: Tensor4D, operation: Convolution, at: Ref): Tensor4D;
  /** Batch norm, and ReLU behind it where `rectified`. */
  norm(x: Tensor4D, name: string, rectified: boolean): Tensor4D;
}

const ACTIVATIONS: Record<Activation, (x: Tensor4D) => Tensor4D> = {
  RELU: relu,
  RELU6: relu6,
  SILU: silu,
  SIGMOID: sigmoid,
};

/** The node reads nothing but a norm that does its ReLU as well. */
const isRectified = ({ nodes }: Network, at: Ref): boolean => {
  const [reader, ...others] = nodes[at]?.readers ?? [];
  const operation = reader === undefined ? undefined : nodes[reader]?.operation;
  return others.length === 0 && operation?.op === 'ACTIVATION' && operation.kind === 'RELU';
};

/**
 * Penultimate features [n, d] of normalised images [n, h, w, c]. Every output is disposed of after its last reader: what a
 * gradient needs, it has saved. Call it in a tidy or under a gradient.
 */
export function walk(network: Network, images: Tensor4D, layers: Layers): Tensor2D {
  const outputs = new Map<Ref, Tensor4D>([[0, images]]);
  const read = (ref: Ref | undefined): Tensor4D => outputs.get(ref as Ref) as Tensor4D;
  const compute = ({ operation, inputs: [first, second], inputs }: Node, at: Ref): Tensor4D => {
    const x = read(first);
    switch (operation.op) {
      case 'IMAGES':
        return images;
      case 'CONVOLUTION':
        return layers.convolution(x, operation, at);
      case 'NORM':
        return layers.norm(x, operation.name, isRectified(network, at));
      case 'ACTIVATION':
        return network.nodes[first as Ref]?.operation.op === 'NORM' && isRectified(network, first as Ref)
          ? x
          : ACTIVATIONS[operation.kind](x);
      case 'MAX_POOL':
        return maxPool(x, operation.size, operation.stride, operation.padding);
      case 'AVERAGE_POOL':
        return averagePool(x, operation.size);
      case 'GLOBAL_MEAN':
        return globalMean(x);
      case 'ADD':
        return x.add(read(second));
      case 'CONCAT':
        return tf.concat4d(inputs.map(read), 3);
      case 'SCALE':
        return x.mul(read(second));
      case 'SLICE':
        return x.slice([0, 0, 0, operation.from], [-1, -1, -1, operation.to - operation.from]);
      case 'SHUFFLE':
        return shuffle(x);
    }
  };
  network.nodes.forEach((node, at) => {
    outputs.set(at, compute(node, at));
    for (const input of node.inputs) {
      const output = read(input);
      const isLastReader = network.nodes[input]?.readers.at(-1) === at;
      if (isLastReader && output !== images && output !== read(at)) output.dispose();
    }
  });
  const last = read(network.nodes.length - 1);
  return last.reshape([last.shape[0], -1]);
}
