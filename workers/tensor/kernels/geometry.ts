/** Resizing and cropping, bilinear and differentiable in the images. */
import { type Tensor3D, type Tensor4D, tf } from '../tensorflow.js';
import { differentiable, execute, only, type Save } from './execute.js';

/** Bilinear resizing with half-pixel centres and no antialiasing, as torch's `interpolate(align_corners=False)` does. */
export function resize(x: Tensor4D, height: number, width: number): Tensor4D {
  if (x.shape[1] === height && x.shape[2] === width) return x;
  const attributes = { align_corners: false, half_pixel_centers: true };
  const forward = (save: Save) => {
    save([x]);
    return tf.image.resizeBilinear(x, [height, width], false, true);
  };
  return differentiable([x], forward, (dy, saved) =>
    only(execute('ResizeBilinearGrad', [dy, only(saved)], attributes)),
  );
}

const f = Math.fround;

/** Where row or column `out` of a crop lies in the image, as the forward kernel computes it in float32. */
function positionOf(from: number, to: number, side: number, out: number): number {
  const last = side - 1;
  if (last === 0) return f(f(0.5 * f(from + to)) * last);
  return f(f(from * last) + f(out * f(f(f(to - from) * last) / last)));
}

/** By how much of the side a box is drawn together: more than float32 is off by, and far less than shows. */
const NUDGE = 2 ** -22;

/**
 * Boxes [n, 4] divided by the sides. Of one that leaves the image, rounding may put the image's own first or last row or column
 * outside as well, where all is 0: that box is drawn together by next to nothing.
 */
function normalized(boxes: Float32Array, sides: readonly [height: number, width: number]): Float32Array {
  const divided = boxes.map((position, i) => position / Math.max(1, (sides[i % 2] as number) - 1));
  for (let i = 0; i < boxes.length; i += 4) {
    for (const axis of [0, 1] as const) {
      const ends = [i + axis, i + axis + 2] as const;
      const [from = 0, to = 0] = ends.map((end) => boxes[end]);
      const [low = 0, high = 0] = ends.map((end) => divided[end]);
      if (!losesBorder(from, to, low, high, sides[axis])) continue;
      for (const end of ends) divided[end] = (divided[end] as number) * (1 - 2 * NUDGE) + NUDGE;
    }
  }
  return divided;
}

/** Whether a row or column of the image that a box reaches beyond comes out beyond its border. */
function losesBorder(from: number, to: number, low: number, high: number, side: number): boolean {
  const last = side - 1;
  const isOutside = (position: number) => position < 0 || position > last;
  if (!isOutside(from) && !isOutside(to)) return false;
  return Array.from({ length: side }, (_, out) => out).some(
    (out) => !isOutside(from + (out * (to - from)) / last) && isOutside(positionOf(low, high, side, out)),
  );
}

/**
 * How much every row (axis 0) or column (axis 1) of an image weighs in each of its crop's: [n, side, side], at the positions that
 * the forward kernel computes from boxes [n, 4] that are divided by the sides.
 */
function cropWeights(boxes: Float32Array, side: number, axis: 0 | 1): Tensor3D {
  const n = boxes.length / 4;
  const weights = new Float32Array(n * side * side);
  for (let i = 0; i < n; i++) {
    const [from = 0, to = 0] = [boxes[4 * i + axis], boxes[4 * i + axis + 2]];
    for (let out = 0; out < side; out++) {
      const position = positionOf(from, to, side, out);
      if (position < 0 || position > side - 1) continue;
      const below = Math.floor(position);
      const row = (i * side + out) * side;
      weights[row + below] = 1 - (position - below);
      if (position > below) weights[row + below + 1] = position - below;
    }
  }
  return tf.tensor3d(weights, [n, side, side]);
}

/**
 * One bilinear crop of every image: `boxes` [n, 4] are the positions y1, x1, y2, x2, in pixels, of the centres of the
 * result's first and last rows and columns; x1 > x2 flips. What lies outside the image is 0.
 *
 * The gradient is the transpose of that linear map as two products of matrices, since TensorFlow's own refuses to run on a GPU
 * where results have to be deterministic.
 */
export function crop(x: Tensor4D, boxes: Float32Array): Tensor4D {
  const [n, height, width, channels] = x.shape;
  const divided = normalized(boxes, [height, width]);
  const forward = () => {
    const index = tf.range(0, n, 1, 'int32');
    return tf.image.cropAndResize(x, tf.tensor2d(divided, [n, 4]), index, [height, width], 'bilinear', 0);
  };
  const backward = (dy: Tensor4D) => {
    const rows = tf.matMul(cropWeights(divided, height, 0), dy.reshape([n, height, width * channels]), true);
    const columnsFirst = rows.reshape([n, height, width, channels]).transpose([0, 2, 1, 3]);
    const both = tf.matMul(cropWeights(divided, width, 1), columnsFirst.reshape([n, width, height * channels]), true);
    return both.reshape([n, width, height, channels]).transpose([0, 2, 1, 3]);
  };
  return differentiable([x], forward, backward);
}
