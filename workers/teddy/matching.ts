/** The matching loss of docs/teddy.md for one teacher, differentiable in the images alone. */
import type { SynthesisConfig } from '../../src/domain/config.js';
import { type FrozenNetwork, forwardFrozen } from '../nn/frozen.js';
import { softCrossEntropy } from '../nn/training.js';
import { momentDistance, type NormInput } from '../tensor/kernels/index.js';
import { type Scalar, type Tensor1D, type Tensor2D, type Tensor4D, tf } from '../tensor/tensorflow.js';
import type { Statistics } from './statistics.js';

/** A teacher with what it saw of the real data, as tensors. */
export interface Target {
  readonly frozen: FrozenNetwork;
  /** [2, c] a batch norm: mean and biased variance. */
  readonly layers: readonly Tensor2D[];
  /** [classes, d] */
  readonly classMeans: Tensor2D;
  /** Of its loss, beside those of other teachers. */
  readonly weight: number;
}

export function targetOf(frozen: FrozenNetwork, { layers, classMeans }: Statistics, weight = 1): Target {
  return {
    frozen,
    weight,
    layers: layers.map(({ mean, variance }) => tf.tensor2d(Float32Array.of(...mean, ...variance), [2, mean.length])),
    classMeans: tf.tensor2d(Float32Array.from(classMeans), [
      frozen.network.classes,
      classMeans.length / frozen.network.classes,
    ]),
  };
}

/** The labels of a synthetic batch, in which k of the classes are. */
export interface BatchLabels {
  /** [n, classes] */
  readonly oneHot: Tensor2D;
  /** [k]: those classes, ascending. */
  readonly present: Tensor1D;
  /** [k, n]: averages over each of them. */
  readonly average: Tensor2D;
}

export function batchLabels(labels: Int32Array, classes: number): BatchLabels {
  const present = [...new Set(labels)].sort((a, b) => a - b);
  return tf.tidy(() => {
    const oneHot = tf.oneHot(tf.tensor1d(labels, 'int32'), classes).toFloat() as Tensor2D;
    const rows = tf.tensor1d(present, 'int32');
    const own = oneHot.gather(rows, 1);
    return { oneHot, present: rows, average: own.div(own.sum(0)).transpose() as Tensor2D };
  });
}

export type MatchingWeights = Pick<
  SynthesisConfig,
  'crossEntropyWeight' | 'momentsWeight' | 'firstLayerWeight' | 'classMeanWeight' | 'momentsMemory'
>;

export interface MatchingLoss {
  readonly total: Scalar;
  readonly crossEntropy: Scalar;
  readonly moments: Scalar;
  readonly classMeans: Scalar;
  /** Moments [2, c] by batch norm for the next step of this teacher; none without memory. The caller disposes of them. */
  readonly remembered: readonly Tensor2D[];
}

/**
 * w (a CE(f(x), y) + b sum_l c_l (|| mu_l - mu_l^k ||_2 + || var_l - var_l^k ||_2) + g mean_c || hbar_c(x) - H_c ||_2^2)
 * with w the target's weight, the mean over the classes of the batch, c_0 = `firstLayerWeight` and every other c_l = 1, for normalised images x [n, h, w, c]. mu_l and var_l are those of x
 * and, by the share `momentsMemory`, those that `earlier` steps of the teacher left, [2, c] a batch norm, none at the first.
 */
export function matchingLoss(
  target: Target,
  x: Tensor4D,
  labels: BatchLabels,
  weights: MatchingWeights,
  earlier: readonly Tensor2D[] = [],
): MatchingLoss {
  const distances: Scalar[] = [];
  const remembered: Tensor2D[] = [];
  const outputs = forwardFrozen(target.frozen, x, (input) => {
    const at = distances.length;
    const wanted = target.layers[at] as Tensor2D;
    if (weights.momentsMemory === 0) {
      distances.push(momentDistance(input, wanted));
      return;
    }
    const { distance, moments } = distanceWithMemory(input, wanted, earlier[at], weights.momentsMemory);
    distances.push(distance);
    remembered.push(moments);
  });
  const crossEntropy = softCrossEntropy(outputs.logits, labels.oneHot);
  const [first, ...others] = distances as [Scalar, ...Scalar[]];
  const moments = tf.addN([first.mul(weights.firstLayerWeight) as Scalar, ...others]);
  const wanted = target.classMeans.gather(labels.present);
  const difference = labels.average.matMul(outputs.features).sub(wanted);
  const classMeans = difference.square().sum(1).mean() as Scalar;
  const total = crossEntropy
    .mul(weights.crossEntropyWeight)
    .add(moments.mul(weights.momentsWeight))
    .add(classMeans.mul(weights.classMeanWeight))
    .mul(target.weight) as Scalar;
  return { total, crossEntropy, moments, classMeans, remembered };
}

/**
 * The distance of s old + (1 - s) own moments to the wanted ones, and those moments, which the caller disposes of. Divided by
 * 1 - s, so that it is the distance of the batch's own moments to a target that is shifted by what is remembered.
 */
function distanceWithMemory(input: NormInput, wanted: Tensor2D, old: Tensor2D | undefined, share: number) {
  let moments = old;
  const shifted = old ? (wanted.sub(old.mul(share)).div(1 - share) as Tensor2D) : wanted;
  const distance = momentDistance(input, shifted, (own) => {
    moments = tf.keep(old ? (old.mul(share).add(own.mul(1 - share)) as Tensor2D) : own.clone());
  });
  return { distance, moments: moments as Tensor2D };
}
