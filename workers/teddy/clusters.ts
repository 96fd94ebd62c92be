/** Clusters within a class: what a synthetic image's class mean is made of, where a class has many images. */
import { random } from '../../src/domain/random.js';
import { type FrozenNetwork, forwardFrozen } from '../nn/frozen.js';
import type { Normalization } from '../nn/training.js';
import { gatherImages, type HostImages, normalize } from '../nn/views.js';
import { type Tensor1D, type Tensor2D, type Tensor4D, tf } from '../tensor/tensorflow.js';

/** Real images of a class that clusters are made of, and steps of k-means. */
const CANDIDATES = 500;
const ITERATIONS = 20;

/** Squared distances [n, k] of features to centres. */
const distances = (x: Tensor2D, centres: Tensor2D): Tensor2D =>
  x
    .square()
    .sum(1, true)
    .add(centres.square().sum(1))
    .sub(x.matMul(centres, false, true).mul(2)) as Tensor2D;

const nearest = (x: Tensor2D, centres: Tensor2D): Tensor1D => distances(x, centres).argMin(1) as Tensor1D;

/** Means [k, d] of the features that belong to each of k clusters; those of `otherwise` where none do. */
function meansOf(x: Tensor2D, member: Tensor1D, otherwise: Tensor2D): Tensor2D {
  const oneHot = tf.oneHot(member, otherwise.shape[0]).toFloat() as Tensor2D;
  const count = oneHot.sum(0).expandDims(1);
  const means = oneHot.matMul(x, true).div(count.maximum(1));
  return tf.where(count.greater(0), means, otherwise) as Tensor2D;
}

export interface Clusters {
  /** Of every synthetic image, the cluster of its class that it begins in. */
  readonly member: Int32Array;
  /** By teacher: [classes k, d], row c k + j the mean of cluster j of class c. */
  readonly means: readonly Tensor2D[];
}

/**
 * Splits every class by k-means in the features of the teacher `best`, and gives each initial image, normalised and at full size,
 * the cluster whose centre is nearest. Centres begin at the first real images in the seed's order.
 */
export async function clustersOf(
  pool: readonly FrozenNetwork[],
  best: number,
  k: number,
  {
    train,
    byClass,
    normalization,
    seed,
  }: { train: HostImages; byClass: readonly Int32Array[]; normalization: Normalization; seed: number },
  { images, labels }: { images: Tensor4D; labels: Int32Array },
  breathe: () => Promise<void>,
): Promise<Clusters> {
  const featuresOf = (network: FrozenNetwork, x: Tensor4D): Tensor2D =>
    tf.tidy(() =>
      tf.concat(
        tf
          .split(
            x,
            Array.from({ length: Math.ceil(x.shape[0] / 250) }, (_, i) => Math.min(250, x.shape[0] - 250 * i)),
            0,
          )
          .map((part) => forwardFrozen(network, part as Tensor4D).features),
      ),
    );
  const judge = pool[best] as FrozenNetwork;
  const own = featuresOf(judge, images);
  const member = new Int32Array(labels.length);
  const rows: Tensor2D[][] = pool.map(() => []);
  for (const [c, all] of byClass.entries()) {
    const order = random(seed, 'clusters', c).permutation(all.length).subarray(0, CANDIDATES);
    const real = tf.tidy(() =>
      normalize(
        gatherImages(
          train,
          Array.from(order, (i) => all[i] as number),
        ),
        normalization,
      ),
    );
    const features = featuresOf(judge, real);
    let centres = features.slice([0, 0], [k, -1]) as Tensor2D;
    for (let i = 0; i < ITERATIONS; i++) {
      const next = tf.tidy(() => meansOf(features, nearest(features, centres), centres));
      centres.dispose();
      centres = next;
    }
    const assigned = nearest(features, centres);
    const mine = nearest(own, centres).dataSync<'int32'>();
    labels.forEach((label, i) => {
      if (label === c) member[i] = mine[i] as number;
    });
    pool.forEach((network, t) => {
      rows[t]?.push(
        tf.tidy(() => {
          const seen = featuresOf(network, real);
          const whole = seen.mean(0, true).tile([k, 1]) as Tensor2D;
          return meansOf(seen, assigned, whole);
        }),
      );
    });
    tf.dispose([real, features, centres, assigned]);
    await breathe();
  }
  own.dispose();
  const means = rows.map((of) => tf.concat(of) as Tensor2D);
  tf.dispose(rows);
  return { member, means };
}
