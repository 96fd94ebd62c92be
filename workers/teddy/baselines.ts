/** The sets that a distilled one is measured against: real images, chosen or cropped. */
import { random } from '../../src/domain/random.js';
import { pixelsAt } from '../../src/formats/dataset-splits.js';
import { type FrozenNetwork, forwardFrozen } from '../nn/frozen.js';
import type { LabelledImages, Normalization } from '../nn/training.js';
import { augmentationBoxes, gatherImages, normalize } from '../nn/views.js';
import { crop } from '../tensor/kernels/index.js';
import { type Tensor1D, type Tensor2D, type Tensor4D, tf, valuesOf } from '../tensor/tensorflow.js';
import type { Labeller } from './labels.js';

/** The images at these positions. */
export function chosenOf(
  { images, labels, ...shape }: LabelledImages,
  chosen: readonly number[],
): LabelledImages<Uint8Array> {
  const size = shape.height * shape.width * shape.channels;
  const pixels = new Uint8Array(chosen.length * size);
  chosen.forEach((i, position) => {
    pixels.set(pixelsAt(images, i * size, size), position * size);
  });
  return { images: pixels, labels: Int32Array.from(chosen, (i) => labels[i] as number), ...shape };
}

/** Real images of a class that are looked at, and crops of each, as in RDED (Sun et al., CVPR 2024). */
const CANDIDATES = 300;
const CROPS = 5;
/** Least share of the area that a crop is drawn with. */
const CROP_SCALE_MIN = 0.5;

interface Crop {
  readonly image: number;
  readonly box: Float32Array;
  readonly loss: number;
}

/**
 * Of every class, `imagesPerClass` crops at the full size: the crop of least cross-entropy under the best teacher is taken of
 * each candidate image, and of these crops the ones of least cross-entropy. `byClass` gives the candidates in order.
 */
export async function realCrops(
  { ensemble, shape, normalization }: Labeller,
  train: LabelledImages,
  byClass: readonly Int32Array[],
  imagesPerClass: number,
  seed: number,
  breathe: () => Promise<void>,
): Promise<LabelledImages<Uint8Array>> {
  const best = ensemble.reduce((a, b) => (b.accuracy > a.accuracy ? b : a));
  const cropped = (images: ArrayLike<number>, boxes: Float32Array): Tensor4D =>
    crop(gatherImages(train, images), boxes);
  const pixels: Uint8Array[] = [];
  for (const [label, all] of byClass.entries()) {
    const images = all.subarray(0, Math.max(CANDIDATES, imagesPerClass));
    const crops: Crop[][] = Array.from(images, () => []);
    for (let n = 0; n < CROPS; n++) {
      const source = random(seed, 'real-crops', label, n);
      const boxes = augmentationBoxes({ flip: false, shift: 0 }, CROP_SCALE_MIN, shape, images.length, source);
      const losses = valuesOf(() => {
        const { logits } = forwardFrozen(best.frozen, normalize(cropped(images, boxes), normalization));
        return tf.logSoftmax(logits).slice([0, label], [-1, 1]).neg();
      });
      losses.forEach((loss, i) => {
        crops[i]?.push({ image: images[i] as number, box: boxes.slice(4 * i, 4 * i + 4), loss });
      });
      await breathe();
    }
    const least = crops
      .map((of) => of.reduce((a, b) => (b.loss < a.loss ? b : a)))
      .sort((a, b) => a.loss - b.loss || a.image - b.image)
      .slice(0, imagesPerClass);
    const boxes = Float32Array.from(least.flatMap(({ box }) => [...box]));
    const values = valuesOf(() =>
      cropped(
        Int32Array.from(least, ({ image }) => image),
        boxes,
      ),
    );
    pixels.push(Uint8Array.from(values, (value) => Math.round(255 * value)));
  }
  const labels = byClass.flatMap((_, label) => Array.from({ length: imagesPerClass }, () => label));
  return { images: new Uint8Array(Buffer.concat(pixels)), labels: Int32Array.from(labels), ...shape };
}

const LLOYD_ITERATIONS = 15;

/**
 * Of every class, the real images nearest to the centres of k-means in the teacher's features, largest cluster first. Centres
 * start from the first of the drawn images.
 */
export async function medoids(
  frozen: FrozenNetwork,
  train: LabelledImages,
  normalization: Normalization,
  byClass: readonly Int32Array[],
  count: number,
  breathe: () => Promise<void>,
): Promise<Int32Array[]> {
  const chosen: Int32Array[] = [];
  for (const indices of byClass) {
    const parts: Tensor2D[] = [];
    for (let at = 0; at < indices.length; at += 500) {
      const images = indices.subarray(at, at + 500);
      parts.push(tf.tidy(() => forwardFrozen(frozen, normalize(gatherImages(train, images), normalization)).features));
      await breathe();
    }
    chosen.push(
      tf.tidy(() => {
        const x = tf.concat(parts, 0) as Tensor2D;
        const toCentres = (centres: Tensor2D) =>
          x
            .square()
            .sum(1, true)
            .add(centres.square().sum(1))
            .sub(x.matMul(centres, false, true).mul(2)) as Tensor2D;
        let centres = x.slice([0, 0], [count, -1]) as Tensor2D;
        let sizes = new Float32Array(count);
        for (let i = 0; i < LLOYD_ITERATIONS; i++) {
          const member = tf.oneHot(toCentres(centres).argMin(1) as Tensor1D, count).toFloat() as Tensor2D;
          const total = member.sum(0);
          sizes = total.dataSync<'float32'>().slice();
          const means = member.matMul(x, true).div(total.maximum(1).expandDims(1));
          centres = tf.where(total.expandDims(1).greater(0), means, centres) as Tensor2D;
        }
        const nearest = toCentres(centres).argMin(0).dataSync<'int32'>();
        const order = [...nearest.keys()].sort((a, b) => (sizes[b] as number) - (sizes[a] as number));
        const unique = [...new Set(order.map((i) => indices[nearest[i] as number] as number))];
        const rest = indices.filter((i) => !unique.includes(i));
        return Int32Array.from([...unique, ...rest]);
      }),
    );
    tf.dispose(parts);
  }
  return chosen;
}
