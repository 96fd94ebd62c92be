/** A picture of a set: its samples in a grid, one row a class. */
import type { ImageShape } from '../domain/config/architecture.js';
import { encodePng } from './png.js';

const GAP = 1;
const WHITE = 255;

/**
 * PNG file of the first `perClass` samples of every class, classes from the top in order of their index, with white gaps of
 * one pixel between and around them. `images` is uint8 [n, height, width, channels]; every pixel becomes `scale` x `scale`.
 * A class with fewer samples leaves its places white.
 */
export function previewGrid(
  images: Uint8Array,
  labels: Int32Array,
  shape: ImageShape,
  perClass: number,
  scale: number,
): Buffer {
  const { height, width, channels } = shape;
  const [cellHeight, cellWidth] = [height * scale + GAP, width * scale + GAP];
  const classes = labels.reduce((most, label) => Math.max(most, label + 1), 0);
  const grid = { height: classes * cellHeight + GAP, width: perClass * cellWidth + GAP, channels };
  const pixels = new Uint8Array(grid.height * grid.width * channels).fill(WHITE);
  const placed = new Int32Array(classes);

  labels.forEach((label, sample) => {
    const column = placed[label] ?? 0;
    if (column === perClass) return;
    placed[label] = column + 1;
    const [top, left] = [GAP + label * cellHeight, GAP + column * cellWidth];
    for (let y = 0; y < height * scale; y++) {
      for (let x = 0; x < width * scale; x++) {
        const from = ((sample * height + Math.floor(y / scale)) * width + Math.floor(x / scale)) * channels;
        const to = ((top + y) * grid.width + left + x) * channels;
        pixels.set(images.subarray(from, from + channels), to);
      }
    }
  });
  return encodePng(pixels, grid);
}
