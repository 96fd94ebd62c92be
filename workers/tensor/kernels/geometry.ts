/** Resizing and cropping, bilinear and differentiable in the images. */
import { type Tensor, type Tensor4D, tf } from '../tensorflow.js';
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
 * One bilinear crop of every image: `boxes` [n, 4] are the positions y1, x1, y2, x2, in pixels, of the centres of the
 * result's first and last rows and columns; x1 > x2 flips. What lies outside the image is 0.
 */
export function crop(x: Tensor4D, boxes: Float32Array): Tensor4D {
  const [n, height, width] = x.shape;
  const sides = [height - 1, width - 1, height - 1, width - 1].map((side) => Math.max(1, side));
  const normalized = tf.tensor2d(
    boxes.map((position, i) => position / (sides[i % 4] as number)),
    [n, 4],
  );
  const index = tf.range(0, n, 1, 'int32');
  const forward = (save: Save) => {
    save([normalized, index]);
    return tf.image.cropAndResize(x, normalized, index, [height, width], 'bilinear', 0);
  };
  const backward = (dy: Tensor4D, saved: Tensor[]) => {
    const size = tf.tensor1d(x.shape, 'int32');
    return only(execute('CropAndResizeGradImage', [dy, ...saved, size], { method: 'bilinear' }));
  };
  return differentiable([x], forward, backward);
}
