/** The matching loss of docs/teddy.md for one teacher, differentiable in the images alone. */
import type { SynthesisConfig } from '../../src/domain/config.js';
import { type FrozenNetwork, forwardFrozen } from '../nn/frozen.js';
import { softCrossEntropy } from '../nn/training.js';
import { momentDistance } from '../tensor/kernels/index.js';
import { type Scalar, type Tensor2D, type Tensor4D, tf } from '../tensor/tensorflow.js';
import type { Statistics } from './statistics.js';

/** A teacher with what it saw of the real data, as tensors. */
export interface Target {
  readonly frozen: FrozenNetwork;
  /** [2, c] a batch norm: mean and biased variance. */
  readonly layers: readonly Tensor2D[];
  /** [classes, d] */
  readonly classMeans: Tensor2D;
}

export function targetOf(frozen: FrozenNetwork, { layers, classMeans }: Statistics): Target {
  return {
    frozen,
    layers: layers.map(({ mean, variance }) => tf.tensor2d(Float32Array.of(...mean, ...variance), [2, mean.length])),
    classMeans: tf.tensor2d(Float32Array.from(classMeans), [
      frozen.network.classes,
      classMeans.length / frozen.network.classes,
    ]),
  };
}

/** The labels of a synthetic batch: one-hot [n, classes], and the matrix [classes, n] that averages over each class. */
export interface BatchLabels {
  readonly oneHot: Tensor2D;
  readonly average: Tensor2D;
}

export function batchLabels(labels: Int32Array, classes: number): BatchLabels {
  return tf.tidy(() => {
    const oneHot = tf.oneHot(tf.tensor1d(labels, 'int32'), classes).toFloat() as Tensor2D;
    return { oneHot, average: oneHot.div(oneHot.sum(0).maximum(1)).transpose() as Tensor2D };
  });
}

export type MatchingWeights = Pick<
  SynthesisConfig,
  'crossEntropyWeight' | 'momentsWeight' | 'firstLayerWeight' | 'classMeanWeight'
>;

export interface MatchingLoss {
  readonly total: Scalar;
  readonly crossEntropy: Scalar;
  readonly moments: Scalar;
  readonly classMeans: Scalar;
}

/**
 * a CE(f(x), y) + b sum_l c_l (|| mu_l(x) - mu_l ||_2 + || var_l(x) - var_l ||_2) + g mean_c || hbar_c(x) - H_c ||_2^2
 * with c_0 = `firstLayerWeight` and every other c_l = 1, for normalised images x [n, h, w, c].
 */
export function matchingLoss(target: Target, x: Tensor4D, labels: BatchLabels, weights: MatchingWeights): MatchingLoss {
  const distances: Scalar[] = [];
  const outputs = forwardFrozen(target.frozen, x, (input) => {
    distances.push(momentDistance(input, target.layers[distances.length] as Tensor2D));
  });
  const crossEntropy = softCrossEntropy(outputs.logits, labels.oneHot);
  const [first, ...others] = distances as [Scalar, ...Scalar[]];
  const moments = tf.addN([first.mul(weights.firstLayerWeight) as Scalar, ...others]);
  const difference = labels.average.matMul(outputs.features).sub(target.classMeans);
  const classMeans = difference.square().sum(1).mean() as Scalar;
  const total = crossEntropy
    .mul(weights.crossEntropyWeight)
    .add(moments.mul(weights.momentsWeight))
    .add(classMeans.mul(weights.classMeanWeight)) as Scalar;
  return { total, crossEntropy, moments, classMeans };
}
