/**
 * Structured pruning by masking: whole output channels of convolutions are set to zero and held there. Shapes and names stay
 * those of the network, so that whatever reads a teacher reads a pruned one as well.
 */
import { normBehind } from '../nn/frozen.js';
import type { Network } from '../nn/network.js';
import { type Parameters, parameterOf } from '../nn/parameters.js';
import { type Tensor, tf } from '../tensor/tensorflow.js';

/** By parameter name: 0 for the values of a pruned channel, 1 for the others, in a shape that broadcasts to the parameter's. */
export type PruningMask = Readonly<Record<string, Tensor>>;

/**
 * Of every convolution whose output goes to a batch norm alone, the share `ratio` of output channels with the least |gamma|
 * of the norm is pruned; of equals, the ones with the smaller L1 norm of the kernel. At least one channel stays.
 */
export function pruningMask(network: Network, parameters: Parameters, ratio: number): PruningMask {
  const mask: Record<string, Tensor> = {};
  network.nodes.forEach(({ operation, shape: { channels } }, at) => {
    const norm = normBehind(network, at);
    if (operation.op !== 'CONVOLUTION' || norm === undefined) return;
    const gamma = parameterOf(parameters, `${norm}.weight`).dataSync<'float32'>();
    const weight = kernelNorms(parameterOf(parameters, `${operation.name}.weight`), channels);
    const size = (values: Float32Array | Float64Array, channel: number) => Math.abs(values[channel] as number);
    const weakest = Array.from({ length: channels }, (_, channel) => channel).sort(
      (a, b) => size(gamma, a) - size(gamma, b) || size(weight, a) - size(weight, b) || a - b,
    );
    const pruned = new Set(weakest.slice(0, Math.min(channels - 1, Math.round(ratio * channels))));
    const kept = Float32Array.from({ length: channels }, (_, channel) => (pruned.has(channel) ? 0 : 1));
    mask[`${operation.name}.weight`] = tf.tensor(kept, operation.depthwise ? [channels, 1] : [channels]);
    mask[`${norm}.weight`] = tf.tensor(kept, [channels]);
    mask[`${norm}.bias`] = tf.tensor(kept, [channels]);
  });
  return mask;
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
