/** The matching loss of docs/teddy.md for one teacher, differentiable in the images alone. */
import type { SynthesisConfig } from '../../src/domain/config.js';
import { type FrozenNetwork, type FrozenOutputs, forwardFrozen } from '../nn/frozen.js';
import { softCrossEntropy } from '../nn/training.js';
import { imageMoments, momentDistance, type NormInput, TINY } from '../tensor/kernels/index.js';
import { type Scalar, type Tensor2D, type Tensor3D, type Tensor4D, tf } from '../tensor/tensorflow.js';
import type { Statistics } from './statistics.js';

/** A teacher with what it saw of the real data, as tensors. */
export interface Target {
  readonly frozen: FrozenNetwork;
  /** [2, c] a batch norm: mean and biased variance. */
  readonly layers: readonly Tensor2D[];
  /** [classes, d] */
  readonly classMeans: Tensor2D;
  readonly headGradient: Tensor2D;
  /** [classes, 2, c] a batch norm. */
  readonly classMoments: readonly Tensor3D[];
  /** By batch norm, what is left of the moments of earlier steps. */
  readonly memory: (Tensor2D | undefined)[];
}

export function targetOf(frozen: FrozenNetwork, statistics: Statistics): Target {
  const { layers, classMeans, headGradient, classMoments } = statistics;
  const { classes } = frozen.network;
  return {
    frozen,
    headGradient: tf.tensor2d(Float32Array.from(headGradient), [classes, headGradient.length / classes]),
    classMoments: classMoments.map((values) =>
      tf.tensor3d(Float32Array.from(values), [classes, 2, values.length / classes / 2]),
    ),
    memory: [],
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
  | 'crossEntropyWeight'
  | 'momentsWeight'
  | 'firstLayerWeight'
  | 'classMeanWeight'
  | 'headGradientWeight'
  | 'classMomentsShare'
  | 'momentsMemory'
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
    const at = distances.length;
    const share = weights.classMomentsShare;
    const distance = () => remembered(target, at, weights.momentsMemory, input);
    const byClass = () => classDistance(input, target.classMoments[at] as Tensor3D, labels.average);
    if (share === 0) distances.push(distance());
    else if (share === 1) distances.push(byClass());
    else
      distances.push(
        distance()
          .mul(1 - share)
          .add(byClass().mul(share)) as Scalar,
      );
  });
  const crossEntropy = softCrossEntropy(outputs.logits, labels.oneHot);
  const [first, ...others] = distances as [Scalar, ...Scalar[]];
  const moments = tf.addN([first.mul(weights.firstLayerWeight) as Scalar, ...others]);
  const difference = labels.average.matMul(outputs.features).sub(target.classMeans);
  const classMeans = difference.square().sum(1).mean() as Scalar;
  const total = crossEntropy
    .mul(weights.crossEntropyWeight)
    .add(moments.mul(weights.momentsWeight))
    .add(classMeans.mul(weights.classMeanWeight))
    .add(headTerm(target, outputs, labels, weights.headGradientWeight)) as Scalar;
  return { total, crossEntropy, moments, classMeans };
}

/** mean_c || C (G_c - G_c^k) ||_2^2 for the gradient G_c [d] of the mean cross-entropy in row c of the head. */
function headTerm({ headGradient }: Target, { logits, features }: FrozenOutputs, labels: BatchLabels, weight: number) {
  if (weight === 0) return tf.scalar(0);
  const [n, classes] = labels.oneHot.shape;
  const own = tf.softmax(logits).sub(labels.oneHot).matMul(features, true).div(n);
  return own.sub(headGradient).mul(classes).square().sum(1).mean().mul(weight);
}

/** The distance of moments, a share of which are those of earlier steps: as a shift of the target. */
function remembered(target: Target, at: number, share: number, input: NormInput): Scalar {
  const wanted = target.layers[at] as Tensor2D;
  if (share === 0) return momentDistance(input, wanted);
  const old = target.memory[at];
  const shifted = old ? (wanted.sub(old.mul(share)).div(1 - share) as Tensor2D) : wanted;
  return momentDistance(input, shifted, (own) => {
    target.memory[at] = tf.keep(old ? (old.mul(share).add(own.mul(1 - share)) as Tensor2D) : own.clone());
    old?.dispose();
  });
}

/** mean_c (|| mu_c(x) - mu_c ||_2 + || var_c(x) - var_c ||_2) over classes. */
function classDistance(input: NormInput, target: Tensor3D, average: Tensor2D): Scalar {
  const [classes, , channels] = target.shape;
  const perImage = imageMoments(input);
  const both = average.matMul(perImage.reshape([-1, 2 * channels])).reshape([classes, 2, channels]);
  const [mean, square] = tf.unstack(both, 1) as [Tensor2D, Tensor2D];
  const own = tf.stack([mean, square.sub(mean.square())], 1);
  return own.sub(target).square().sum(2).add(TINY).sqrt().sum(1).mean() as Scalar;
}
