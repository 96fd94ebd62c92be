/** The sets that a distilled one is measured against: real images, chosen or cropped. */
import type { ImageShape } from '../../src/domain/config/architecture.js';
import { random } from '../../src/domain/random.js';
import { forwardFrozen } from '../nn/frozen.js';
import { type LabelledImages, passBatch } from '../nn/training.js';
import { augmentationBoxes, gatherImages, normalize } from '../nn/views.js';
import { crop } from '../tensor/kernels/index.js';
import { tf, valuesOf } from '../tensor/tensorflow.js';
import type { Labeller } from './labels.js';

/** Real images of a class that are looked at, and crops of each, as in RDED (Sun et al., CVPR 2024). */
const CANDIDATES = 300;
const CROPS = 5;
/** Least share of the area that a crop is drawn with. */
const CROP_SCALE_MIN = 0.5;

/** Those of a class's images, in the order of their drawing, that crops are taken of. */
export const cropCandidates = (drawn: Int32Array, imagesPerClass: number): Int32Array =>
  drawn.subarray(0, Math.max(CANDIDATES, imagesPerClass));

/** A part of the image at a position, box as `crop` takes it, and the class that a teacher is so sure of. */
export interface Crop {
  readonly image: number;
  readonly label: number;
  readonly box: Float32Array;
  readonly loss: number;
}

export interface WantedCrops {
  readonly classes: readonly number[];
  readonly imagesPerClass: number;
  readonly seed: number;
}

/**
 * Of each of these classes `imagesPerClass` crops, or as many as it has images, the surest first: the crop of least cross-entropy
 * under the best teacher is taken of each candidate image, and of these crops the ones of least cross-entropy. `byClass` gives
 * where in `train` the candidates of every class of the dataset are, in order.
 */
export async function chooseCrops(
  { ensemble, shape, normalization }: Labeller,
  train: LabelledImages,
  byClass: readonly Int32Array[],
  { classes, imagesPerClass, seed }: WantedCrops,
  breathe: () => Promise<void>,
): Promise<Crop[]> {
  const best = ensemble.reduce((a, b) => (b.accuracy > a.accuracy ? b : a));
  const chosen: Crop[] = [];
  const together = passBatch(shape);
  for (const label of classes) {
    const images = cropCandidates(byClass[label] as Int32Array, imagesPerClass);
    const crops: Crop[][] = Array.from(images, () => []);
    for (let n = 0; n < CROPS; n++) {
      const source = random(seed, 'real-crops', label, n);
      const boxes = augmentationBoxes({ flip: false, shift: 0 }, CROP_SCALE_MIN, shape, images.length, source);
      for (let first = 0; first < images.length; first += together) {
        const [some, theirs] = [images.subarray(first, first + together), boxes.subarray(4 * first)];
        const losses = valuesOf(() => {
          const x = normalize(crop(gatherImages(train, some), theirs.subarray(0, 4 * some.length)), normalization);
          return tf.logSoftmax(forwardFrozen(best.frozen, x).logits).slice([0, label], [-1, 1]).neg();
        });
        losses.forEach((loss, i) => {
          crops[first + i]?.push({ image: some[i] as number, label, box: theirs.slice(4 * i, 4 * i + 4), loss });
        });
        await breathe();
      }
    }
    const least = crops
      .map((of) => of.reduce((a, b) => (b.loss < a.loss ? b : a)))
      .sort((a, b) => a.loss - b.loss || a.image - b.image);
    chosen.push(...least.slice(0, imagesPerClass));
  }
  return chosen;
}

/** The crops at the full size, in their order. */
export function cutCrops(train: LabelledImages, shape: ImageShape, crops: readonly Crop[]): LabelledImages<Uint8Array> {
  const size = shape.height * shape.width * shape.channels;
  const pixels = new Uint8Array(crops.length * size);
  const together = passBatch(shape);
  for (let first = 0; first < crops.length; first += together) {
    const some = crops.slice(first, first + together);
    const boxes = Float32Array.from(some.flatMap(({ box }) => [...box]));
    const images = some.map(({ image }) => image);
    const bytes = valuesOf(() => crop(gatherImages(train, images), boxes)).map((value) => Math.round(255 * value));
    pixels.set(bytes, first * size);
  }
  return { images: pixels, labels: Int32Array.from(crops, ({ label }) => label), ...shape };
}
