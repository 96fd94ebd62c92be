/**
 * Structured pruning by masking: whole output channels of convolutions are set to zero and held there. Shapes and names stay
 * those of the network, so that whatever reads a teacher reads a pruned one as well.
 */
import { normBehind } from '../nn/frozen.js';
import type { Network, Node } from '../nn/network.js';
import { type Parameters, parameterOf } from '../nn/parameters.js';
import { type Tensor, tf } from '../tensor/tensorflow.js';

/** By parameter name: 0 for the values of a pruned channel, 1 for the others, in a shape that broadcasts to the parameter's. */
export type PruningMask = Readonly<Record<string, Tensor>>;

/**
 * Of every convolution whose output goes to a batch norm alone, the share `ratio` of output channels with the least |gamma|
 * of the norm is pruned; of equals, the ones with the smaller L1 norm of the kernel. At least one channel stays. A depthwise
 * convolution loses the channels that reach it dead: by a choice of its own, it might have no live one left, and a network
 * of constants, whose batch norms divide by next to nothing, has no gradient that is a number.
 */
export function pruningMask(network: Network, parameters: Parameters, ratio: number): PruningMask {
  const mask: Record<string, Tensor> = {};
  const keptBy = new Map<string, Channels>();
  const live: Channels[] = [];
  network.nodes.forEach((node, at) => {
    const { operation, inputs, shape } = node;
    const { channels } = shape;
    const norm = normBehind(network, at);
    const arriving = inputs.map((input) => live[input] as Channels);
    if (operation.op !== 'CONVOLUTION' || norm === undefined) {
      live.push(leaving(node, arriving, keptBy));
      return;
    }
    const gamma = parameterOf(parameters, `${norm}.weight`);
    const kernel = parameterOf(parameters, `${operation.name}.weight`);
    const pruned = Math.min(channels - 1, Math.round(ratio * channels));
    const kept = operation.depthwise ? (arriving[0] as Channels) : strongest(gamma, kernel, pruned);
    keptBy.set(norm, kept);
    live.push(kept);
    mask[`${operation.name}.weight`] = tf.tensor(kept, operation.depthwise ? [channels, 1] : [channels]);
    mask[`${norm}.weight`] = tf.tensor(kept, [channels]);
    mask[`${norm}.bias`] = tf.tensor(kept, [channels]);
  });
  return mask;
}

/** 1 for every channel that may be other than 0. */
type Channels = Float32Array;

/** The live channels of a node's output, by those of its inputs and what was kept of the norms. */
function leaving({ operation, shape }: Node, arriving: Channels[], keptBy: ReadonlyMap<string, Channels>): Channels {
  const all = new Float32Array(shape.channels).fill(1);
  const [first = all] = arriving;
  switch (operation.op) {
    case 'IMAGES':
    case 'CONVOLUTION':
      return all;
    case 'NORM':
      return keptBy.get(operation.name) ?? all;
    case 'ACTIVATION':
      return operation.kind === 'SIGMOID' ? all : first;
    case 'MAX_POOL':
    case 'AVERAGE_POOL':
    case 'GLOBAL_MEAN':
    case 'SCALE':
      return first;
    case 'ADD':
      return all.map((_, c) => Math.max(...arriving.map((channels) => channels[c] as number)));
    case 'CONCAT':
      return Float32Array.from(arriving.flatMap((channels) => [...channels]));
    case 'SLICE':
      return first.slice(operation.from, operation.to);
    case 'SHUFFLE':
      return all.map((_, c) => first[(c % 2) * (shape.channels / 2) + (c >> 1)] as number);
  }
}

/** 0 for the `pruned` weakest channels, 1 for the others. */
function strongest(gamma: Tensor, kernel: Tensor, pruned: number): Channels {
  const scales = gamma.dataSync<'float32'>().map(Math.abs);
  const norms = kernelNorms(kernel, scales.length);
  const order = [...scales.keys()].sort(
    (a, b) => (scales[a] ?? 0) - (scales[b] ?? 0) || (norms[a] ?? 0) - (norms[b] ?? 0) || a - b,
  );
  const kept = new Float32Array(scales.length).fill(1);
  for (const channel of order.slice(0, pruned)) kept[channel] = 0;
  return kept;
}

/** The sum of |w| of every output channel; a kernel's channels vary fastest, be it a depthwise one or not. */
function kernelNorms(kernel: Tensor, channels: number): Float64Array {
  const sums = new Float64Array(channels);
  kernel.dataSync<'float32'>().forEach((value, i) => {
    const channel = i % channels;
    sums[channel] = (sums[channel] as number) + Math.abs(value);
  });
  return sums;
}

/** Sets what is pruned to zero. A step of training moves the offsets of dead channels, so it is done again after each. */
export function applyMask(parameters: Parameters, mask: PruningMask): void {
  for (const [name, kept] of Object.entries(mask)) {
    const old = parameterOf(parameters, name);
    parameters[name] = old.mul(kept);
    old.dispose();
  }
}
