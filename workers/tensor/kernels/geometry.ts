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

/**
 * How much every row (axis 0) or column (axis 1) of an image weighs in each of its crop's: [n, side, side], at the positions that
 * the forward kernel computes in float32 from boxes [n, 4] that are divided by the sides.
 */
function cropWeights(boxes: Float32Array, side: number, axis: 0 | 1): Tensor3D {
  const n = boxes.length / 4;
  const weights = new Float32Array(n * side * side);
  const last = side - 1;
  const f = Math.fround;
  for (let i = 0; i < n; i++) {
    const [from = 0, to = 0] = [boxes[4 * i + axis], boxes[4 * i + axis + 2]];
    const start = f(from * last);
    const step = f(f(f(to - from) * last) / last);
    for (let out = 0; out < side; out++) {
      const position = side > 1 ? f(start + f(out * step)) : f(f(0.5 * f(from + to)) * last);
      if (position < 0 || position > last) continue;
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
  const sides = [height - 1, width - 1, height - 1, width - 1].map((side) => Math.max(1, side));
  const normalized = boxes.map((position, i) => position / (sides[i % 4] as number));
  const forward = () => {
    const index = tf.range(0, n, 1, 'int32');
    return tf.image.cropAndResize(x, tf.tensor2d(normalized, [n, 4]), index, [height, width], 'bilinear', 0);
  };
  const backward = (dy: Tensor4D) => {
    const rows = tf.matMul(cropWeights(normalized, height, 0), dy.reshape([n, height, width * channels]), true);
    const columnsFirst = rows.reshape([n, height, width, channels]).transpose([0, 2, 1, 3]);
    const both = tf.matMul(
      cropWeights(normalized, width, 1),
      columnsFirst.reshape([n, width, height * channels]),
      true,
    );
    return both.reshape([n, width, height, channels]).transpose([0, 2, 1, 3]);
  };
  return differentiable([x], forward, backward);
}
