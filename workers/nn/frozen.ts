/**
 * A network with fixed parameters, in evaluation mode: only images have gradients. A batch norm right behind a convolution
 * scales the kernels once, when the network is frozen; what is left of it is an offset.
 */
import {
  type Affine,
  biasAdd,
  convolution,
  foldNorm,
  frozenNorm,
  frozenOffset,
  type NormInput,
  unscaleOf,
} from '../tensor/kernels/index.js';
import { type Tensor1D, type Tensor2D, type Tensor4D, tf } from '../tensor/tensorflow.js';
import type { Network, Ref } from './network.js';
import { type Parameters, parameterOf } from './parameters.js';
import { classify } from './training-pass.js';
import { walk } from './walk.js';

export interface FrozenNetwork {
  readonly network: Network;
  readonly parameters: Parameters;
  /** Every batch norm as an affine map. */
  readonly affines: ReadonlyMap<string, Affine>;
  /** Kernels by the position of their convolution, those that a norm's scale was folded into. */
  readonly folded: ReadonlyMap<Ref, Tensor4D>;
  /** By norm whose scale was folded away: what its input's moments are to be multiplied by. */
  readonly unscales: ReadonlyMap<string, Tensor2D>;
  dispose(): void;
}

/** The name of the norm that alone reads a convolution without bias. */
export function normBehind({ nodes }: Network, at: Ref): string | undefined {
  const operation = nodes[at]?.operation;
  const [reader, ...others] = nodes[at]?.readers ?? [];
  const behind = reader === undefined ? undefined : nodes[reader]?.operation;
  const foldable = operation?.op === 'CONVOLUTION' && !operation.bias && others.length === 0;
  return foldable && behind?.op === 'NORM' ? behind.name : undefined;
}

/** The parameters stay the caller's: `dispose` gives back what the folding made. */
export function freeze(network: Network, parameters: Parameters): FrozenNetwork {
  const affines = new Map(
    network.norms.map(({ name }): [string, Affine] => [
      name,
      foldNorm(
        parameterOf(parameters, `${name}.weight`),
        parameterOf(parameters, `${name}.bias`),
        parameterOf(parameters, `${name}.running_mean`),
        parameterOf(parameters, `${name}.running_var`),
      ),
    ]),
  );
  const folded = new Map<Ref, Tensor4D>();
  const unscales = new Map<string, Tensor2D>();
  network.nodes.forEach(({ operation }, at) => {
    const norm = normBehind(network, at) ?? '';
    const affine = affines.get(norm);
    if (operation.op !== 'CONVOLUTION' || affine === undefined) return;
    unscales.set(norm, unscaleOf(affine));
    const kernel = parameterOf<Tensor4D>(parameters, `${operation.name}.weight`);
    const scale = operation.depthwise ? affine.scale.reshape([-1, 1]) : affine.scale;
    folded.set(at, kernel.mul(scale));
    if (operation.depthwise) scale.dispose();
  });
  const dispose = () => {
    for (const { scale, offset } of affines.values()) tf.dispose([scale, offset]);
    for (const tensor of [...folded.values(), ...unscales.values()]) tensor.dispose();
  };
  return { network, parameters, affines, folded, unscales, dispose };
}

export interface FrozenOutputs {
  /** [n, classes] */
  readonly logits: Tensor2D;
  /** Penultimate features [n, d]. */
  readonly features: Tensor2D;
}

/**
 * A pass of normalised images [n, h, w, c], differentiable in the images. `atNorm` gets what comes to each batch norm, in
 * the order of the network's norms; it must not keep it.
 */
export function forwardFrozen(
  frozen: FrozenNetwork,
  images: Tensor4D,
  atNorm: (input: NormInput) => void = () => undefined,
): FrozenOutputs {
  const { network, parameters, affines, folded, unscales } = frozen;
  const features = walk(network, images, {
    convolution: (x, operation, at) => {
      const kernel = folded.get(at) ?? parameterOf<Tensor4D>(parameters, `${operation.name}.weight`);
      const y = convolution(x, kernel, operation, { images: true, kernel: false });
      return operation.bias ? biasAdd(y, parameterOf<Tensor1D>(parameters, `${operation.name}.bias`)) : y;
    },
    norm: (x, name, rectified) => {
      const affine = affines.get(name) as Affine;
      const unscale = unscales.get(name);
      atNorm({ x, unscale });
      return unscale ? frozenOffset(x, affine.offset, rectified) : frozenNorm(x, affine, rectified);
    },
  });
  return { logits: classify(network, parameters, features), features };
}
