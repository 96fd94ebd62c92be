/** Augmentation: views are drawn on the host from a seeded stream, as data, and applied by differentiable kernels. */
import type { ImageShape } from '../../src/domain/config/architecture.js';
import type { AugmentationConfig } from '../../src/domain/config/pool.js';
import type { LabelConfig } from '../../src/domain/config/run.js';
import { type Random, random } from '../../src/domain/random.js';
import { type Pixels, pixelsAt } from '../../src/formats/dataset-splits.js';
import type { Views } from '../../src/formats/labels.js';
import { crop, resize } from '../tensor/kernels/index.js';
import { type Tensor4D, tf } from '../tensor/tensorflow.js';

/** Bytes on the host, in memory or in a file: [n, height, width, channels]. */
export interface HostImages<P extends Pixels = Pixels> {
  readonly images: P;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** The chosen images as float32, scaled to [0, 1]. */
export function gatherImages({ images, height, width, channels }: HostImages, indices: ArrayLike<number>): Tensor4D {
  const size = height * width * channels;
  const pixels = new Float32Array(indices.length * size);
  for (let i = 0; i < indices.length; i++) {
    const image = pixelsAt(images, (indices[i] as number) * size, size);
    for (let j = 0; j < size; j++) pixels[i * size + j] = (image[j] as number) / 255;
  }
  return tf.tensor4d(pixels, [indices.length, height, width, channels]);
}

/** Pixels as fractions -> what networks see: (x - mean) / std per channel. */
export const normalize = (x: Tensor4D, { mean, std }: { mean: readonly number[]; std: readonly number[] }): Tensor4D =>
  x.sub(tf.tensor1d([...mean])).div(tf.tensor1d([...std]));

/** The order of one epoch is asked for at each of its steps, and takes milliseconds to draw for a large set. */
let lastOrder: { readonly key: string; readonly order: Int32Array } | undefined;

function epochOrder(seed: number, label: string, epoch: number, count: number): Int32Array {
  const key = `${seed}/${label}/${epoch}/${count}`;
  if (lastOrder?.key !== key) lastOrder = { key, order: random(seed, label, epoch).permutation(count) };
  return lastOrder.order;
}

/**
 * Indices `start` to `start + n` of an endless sequence of seeded permutations of 0 .. count - 1, one an epoch: a batch may
 * span two epochs, and be larger than the set.
 */
export function shuffledIndices(seed: number, label: string, count: number, start: number, n: number): Int32Array {
  const indices = new Int32Array(n);
  for (let epoch = Math.floor(start / count); epoch * count < start + n; epoch++) {
    const order = epochOrder(seed, label, epoch, count);
    const from = Math.max(start, epoch * count);
    const to = Math.min(start + n, (epoch + 1) * count);
    indices.set(order.subarray(from - epoch * count, to - epoch * count), from - start);
  }
  return indices;
}

/** Positions of the centres of the first and last rows and columns. */
type Box = readonly [top: number, left: number, bottom: number, right: number];

const ASPECT = 4 / 3;

/**
 * A random resized crop: an area share in [min, 1] and an aspect ratio in [3/4, 4/3] are drawn as in torchvision's, but the
 * ratio is to the image's own, and a side that comes out longer than the image's is cut to it, where torchvision draws again.
 */
function randomCrop(source: Random, { height, width }: ImageShape, scaleMin: number): Box {
  const share = source.between(scaleMin, 1);
  const aspect = Math.exp(source.between(-Math.log(ASPECT), Math.log(ASPECT)));
  const rows = Math.min(height, Math.max(1, height * Math.sqrt(share / aspect)));
  const columns = Math.min(width, Math.max(1, width * Math.sqrt(share * aspect)));
  const top = source.between(0, height - rows);
  const left = source.between(0, width - columns);
  return [top, left, top + rows - 1, left + columns - 1];
}

const whole = ({ height, width }: ImageShape): Box => [0, 0, height - 1, width - 1];

/** Boxes [n, 4] of `crop` that crop, flip, and shift by whole pixels, each image on its own, drawn from a stream. */
export function augmentationBoxes(
  { flip, shift }: AugmentationConfig,
  cropScaleMin: number,
  shape: ImageShape,
  n: number,
  source: Random,
): Float32Array {
  const boxes = new Float32Array(4 * n);
  for (let i = 0; i < n; i++) {
    const [top, left, bottom, right] = cropScaleMin < 1 ? randomCrop(source, shape, cropScaleMin) : whole(shape);
    const [dy, dx] = [source.integer(2 * shift + 1) - shift, source.integer(2 * shift + 1) - shift];
    const mirrored = flip && source.boolean();
    const columns = mirrored ? [right + dx, left + dx] : [left + dx, right + dx];
    boxes.set([top + dy, columns[0] as number, bottom + dy, columns[1] as number], 4 * i);
  }
  return boxes;
}

/** CutMix's box (Yun et al., 2019) for a share drawn uniformly, cut at the borders; and the share that stays. */
function cutMix(source: Random, { height, width }: ImageShape): { mixBox: Int32Array; lambda: number } {
  const side = Math.sqrt(1 - source.uniform());
  const [rows, columns] = [Math.floor(height * side), Math.floor(width * side)];
  const [y, x] = [source.integer(height), source.integer(width)];
  const span = (centre: number, length: number, limit: number) =>
    [Math.max(0, centre - (length >> 1)), Math.min(limit, centre + (length >> 1))] as const;
  const [top, bottom] = span(y, rows, height);
  const [left, right] = span(x, columns, width);
  const lambda = 1 - ((bottom - top) * (right - left)) / (height * width);
  return { mixBox: Int32Array.of(top, left, bottom, right), lambda };
}

type CropConfig = Pick<LabelConfig, 'cropScaleMin' | 'flip'>;

function drawCrops({ cropScaleMin, flip: flips }: CropConfig, shape: ImageShape, n: number, source: Random) {
  const box = new Float32Array(4 * n);
  const flip = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    box.set(cropScaleMin < 1 ? randomCrop(source, shape, cropScaleMin) : whole(shape), 4 * i);
    flip[i] = flips && source.boolean() ? 1 : 0;
  }
  return { box, flip };
}

/** Views of samples in a row, `start` to `start + n`, none of them mixed: of a pass over all samples, the one numbered `pass`. */
export function viewsInOrder(
  config: CropConfig,
  shape: ImageShape,
  { seed, pass, start, n }: { seed: number; pass: number; start: number; n: number },
): Views {
  const sample = Int32Array.from({ length: n }, (_, i) => start + i);
  const crops = drawCrops(config, shape, n, random(seed, 'views/in-order', pass, start));
  return { sample, ...crops, partner: sample.map((_, i) => i), mixBox: new Int32Array(4), lambda: 1 };
}

/** The views of one training step of a student, of samples in a shuffled order: a function of its arguments alone. */
export function drawViews(
  config: CropConfig & Pick<LabelConfig, 'mix'>,
  shape: ImageShape,
  { seed, step, samples, batchSize }: { seed: number; step: number; samples: number; batchSize: number },
): Views {
  const source = random(seed, 'views', step);
  const sample = shuffledIndices(seed, 'order', samples, step * batchSize, batchSize);
  const { box, flip } = drawCrops(config, shape, batchSize, source);
  const partner = source.permutation(batchSize);
  const mix = config.mix === 'CUTMIX' ? cutMix(source, shape) : { mixBox: new Int32Array(4), lambda: 1 };
  // MixUp (Zhang et al., 2018) has no box: all of an image is blended.
  if (config.mix === 'MIXUP') mix.lambda = source.uniform();
  return { sample, box, flip, partner, ...mix };
}

/** Renders views [B, height, width, channels] at the full size of `shape`, as fractions; smaller samples are resized first. */
export function renderViews(set: HostImages, { height, width }: ImageShape, views: Views): Tensor4D {
  return tf.tidy(() => {
    const boxes = views.box.slice();
    views.flip.forEach((flip, i) => {
      if (flip === 1) boxes.set([views.box[4 * i + 3] as number], 4 * i + 1);
      if (flip === 1) boxes.set([views.box[4 * i + 1] as number], 4 * i + 3);
    });
    const x = crop(resize(gatherImages(set, views.sample), height, width), boxes);
    const [top, left, bottom, right] = views.mixBox as unknown as [number, number, number, number];
    const partners = tf.gather(x, tf.tensor1d(views.partner, 'int32'));
    if (bottom <= top || right <= left) {
      return views.lambda === 1 ? x : (x.add(partners.sub(x).mul(1 - views.lambda)) as Tensor4D);
    }
    const box = tf.ones([1, bottom - top, right - left, 1]);
    const mask = box.pad([
      [0, 0],
      [top, height - bottom],
      [left, width - right],
      [0, 0],
    ]);
    return x.add(partners.sub(x).mul(mask)) as Tensor4D;
  });
}
