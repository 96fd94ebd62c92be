/** The matching loss of docs/teddy.md for one teacher, differentiable in the images alone. */
import type { SynthesisConfig } from '../../src/domain/config/run.js';
import { type FrozenNetwork, forwardFrozen } from '../nn/frozen.js';
import { softCrossEntropy } from '../nn/training.js';
import { type MomentTarget, momentDistance, momentTarget } from '../tensor/kernels/index.js';
import { type Scalar, type Tensor1D, type Tensor2D, type Tensor4D, tf } from '../tensor/tensorflow.js';
import type { Statistics } from './statistics.js';

/** A teacher with what it saw of the real data, as tensors. */
export interface Target {
  readonly frozen: FrozenNetwork;
  /** Of what comes to its batch norms. */
  readonly moments: MomentTarget;
  /** [classes, d] */
  readonly classMeans: Tensor2D;
  /** Of its loss, beside those of other teachers. */
  readonly weight: number;
}

export function targetOf(frozen: FrozenNetwork, { layers, classMeans }: Statistics, weight = 1): Target {
  const { network, unscales } = frozen;
  const features = classMeans.length / network.classes;
  return {
    frozen,
    weight,
    moments: momentTarget(
      layers,
      network.norms.map(({ name }) => unscales.get(name)),
    ),
    classMeans: tf.tensor2d(Float32Array.from(classMeans), [network.classes, features]),
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
  /** Moments [T, 2] for the next step of this teacher; undefined without memory. The caller disposes of them. */
  readonly remembered: Tensor2D | undefined;
}

/**
 * w (a CE(f(x), y) + b sum_l c_l (|| mu_l - mu_l^k ||_2 + || var_l - var_l^k ||_2) + g mean_c || hbar_c(x) - H_c ||_2^2)
 * with w the target's weight, the mean over the classes of the batch, c_0 = `firstLayerWeight` and every other c_l = 1, for
 * normalised images x [n, h, w, c]. mu_l and var_l are those of x and, by the share `momentsMemory`, what `earlier` steps of
 * the teacher left, [T, 2] for the T channels of all norms, undefined at the first. Distances of what is remembered are divided by
 * 1 - `momentsMemory`, so that the step's own share of the gradient stays what it is without memory.
 */
export function matchingLoss(
  target: Target,
  x: Tensor4D,
  labels: BatchLabels,
  weights: MatchingWeights,
  earlier?: Tensor2D,
): MatchingLoss {
  const distance = momentDistance();
  const outputs = forwardFrozen(target.frozen, x, (input) => distance.see(input.x));
  const crossEntropy = softCrossEntropy(outputs.logits, labels.oneHot);
  const layerWeights = target.moments.channels.map((_, l) => (l === 0 ? weights.firstLayerWeight : 1));
  const { shifted, remember } = memoryOf(target.moments, weights.momentsMemory, earlier);
  let remembered: Tensor2D | undefined;
  const moments = distance.to(shifted, layerWeights, (own) => {
    remembered = remember(own);
  });
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
 * The distance of s old + (1 - s) own moments to the wanted ones, for a share s, divided by 1 - s, is that of the batch's own
 * to a target that is shifted by what is remembered; and what there is to remember of its own.
 */
function memoryOf(target: MomentTarget, share: number, old: Tensor2D | undefined) {
  const remember = (own: Tensor2D): Tensor2D | undefined => {
    if (share === 0) return undefined;
    return tf.keep(old ? (old.mul(share).add(own.mul(1 - share)) as Tensor2D) : own.clone());
  };
  const wanted = old ? (target.wanted.sub(old.mul(share)).div(1 - share) as Tensor2D) : target.wanted;
  return { shifted: { ...target, wanted }, remember };
}
