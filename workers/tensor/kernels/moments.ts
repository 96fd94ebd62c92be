/** Moments of what comes to batch norms, and their distance to wanted ones. */
import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, type Tensor4D, tf } from '../tensorflow.js';
import { affine, constantsOf, ownNorm } from './batch-norm.js';
import { differentiable, only, type Save } from './execute.js';

/** What comes to a batch norm. Where a kernel has scaled it, `unscale` [2, c] times its moments are those it had before. */
export interface NormInput {
  readonly x: Tensor4D;
  readonly unscale: Tensor2D | undefined;
}

const samplesOf = ({ shape: [n, height, width] }: Tensor4D): number => n * height * width;

/** Mean and unbiased variance, [c] each. */
function ownMoments(x: Tensor4D): [Tensor1D, Tensor1D] {
  const { zeros, ones } = constantsOf(x.shape[3]);
  const [, mean, variance] = ownNorm(x, ones, zeros) as [Tensor, Tensor1D, Tensor1D];
  return [mean, variance];
}

/** What makes the biased variance of an unbiased one. */
const bias = (samples: number): number => (samples - 1) / samples;

/** Mean and biased variance of every channel of [n, h, w, c], as [2, c]. Has no gradient. */
export function moments({ x, unscale }: NormInput): Tensor2D {
  const [mean, variance] = ownMoments(x);
  const both = tf.stack([mean, variance.mul(bias(samplesOf(x)))]) as Tensor2D;
  return unscale ? both.mul(unscale) : both;
}

/** The wanted moments of L norms' inputs, one norm's channels after another's, T in all. */
export interface MomentTarget {
  /** Mean and biased variance, [T, 2]. */
  readonly wanted: Tensor2D;
  /** What the inputs' moments are to be multiplied by, [T, 2]. */
  readonly unscale: Tensor2D;
  /** Of each norm. */
  readonly channels: readonly number[];
  /** The position of each channel's norm, [T]. */
  readonly norms: Tensor1D;
}

/** The target of norms that want these moments; `unscales` as those of `NormInput`. */
export function momentTarget(
  layers: readonly { readonly mean: Float64Array; readonly variance: Float64Array }[],
  unscales: readonly (Tensor2D | undefined)[],
): MomentTarget {
  const wanted = layers.map(({ mean, variance }) => tf.tensor2d([...mean, ...variance], [2, mean.length]));
  const channels = wanted.map(({ shape }) => shape[1]);
  const positions = channels.flatMap((count, norm) => Array<number>(count).fill(norm));
  const joined = (parts: readonly Tensor2D[]) => tf.tidy(() => tf.concat2d([...parts], 1).transpose() as Tensor2D);
  const unscale = tf.tidy(() => joined(wanted.map((like, norm) => unscales[norm] ?? tf.onesLike(like))));
  const target = { wanted: joined(wanted), unscale, channels, norms: tf.tensor1d(positions, 'int32') };
  tf.dispose(wanted);
  return target;
}

/** Keeps the gradient of a norm finite where the norm is 0. */
const TINY = 1e-12;

export interface MomentDistance {
  /** To be called on the input of every norm, in their order. */
  see(x: Tensor4D): void;
  /** sum_l w_l (|| mean_l - mean_l' ||_2 + || var_l - var_l' ||_2) for `weights` w; `observe` gets the moments, [T, 2]. */
  to(target: MomentTarget, weights: readonly number[], observe?: (moments: Tensor2D) => void): Scalar;
}

/**
 * The distance of the moments of one pass to wanted ones, differentiable in every input. With m = n h w samples a channel,
 * d mean / dx = 1 / m and d var / dx = 2 (x - mean) / m, so each gradient is an affine map of x.
 *
 * The small arithmetic is done for all norms at once, since a call costs more than it: a deep network would take hundreds. So
 * what `to` hands back to each norm as the gradient of its moments is that map itself, scale and offset [c, 2].
 */
export function momentDistance(): MomentDistance {
  const seen: Tensor2D[] = [];
  const samples: number[] = [];
  const momentsWithMap = (x: Tensor4D) => {
    const forward = (save: Save) => {
      save([x]);
      return tf.stack(ownMoments(x), 1) as Tensor2D;
    };
    return differentiable([x], forward, (map, saved) => {
      const [scale, offset] = tf.unstack(map, 1) as [Tensor1D, Tensor1D];
      return affine(only(saved), scale, offset);
    });
  };
  return {
    see(x) {
      samples.push(samplesOf(x));
      seen.push(momentsWithMap(x));
    },
    to({ wanted, unscale, channels, norms }, weights, observe = () => undefined) {
      const perChannel = (perNorm: Tensor) => perNorm.gather(norms);
      const forward = (save: Save) => {
        const raw = tf.concat2d(seen, 0);
        const own: Tensor2D = raw.mul(perChannel(tf.tensor2d(samples.map((m) => [1, bias(m)])))).mul(unscale);
        observe(own);
        const off = own.sub(wanted);
        const lengths = tf.unsortedSegmentSum(off.square(), norms, channels.length).add(TINY).sqrt();
        const steps = tf.tensor2d(
          samples.map((m, l) => [weights[l] as number, 2 * (weights[l] as number)].map((w) => w / m)),
        );
        const [toMean, scale] = tf.unstack(perChannel(steps.div(lengths)).mul(off).mul(unscale), 1) as [Tensor, Tensor];
        const [mean] = tf.unstack(raw, 1) as [Tensor];
        save([tf.stack([scale, toMean.sub(mean.mul(scale))], 1)]);
        return lengths
          .sum(1)
          .mul(tf.tensor1d([...weights]))
          .sum() as Scalar;
      };
      return differentiable(seen, forward, (dy, saved) => tf.split(only<Tensor2D>(saved).mul(dy), [...channels], 0));
    },
  };
}
