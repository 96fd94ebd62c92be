import type { ImageShape } from '../../domain/config/architecture.js';

/** Bilinear with half-pixel centres and no antialiasing: as torch's interpolate(align_corners=False), and as the labels were made. */
export function resizeBilinear(pixels: Uint8Array, from: ImageShape, to: ImageShape): Float32Array {
  const { channels } = from;
  const rows = taps(from.height, to.height);
  const columns = taps(from.width, to.width);
  const resized = new Float32Array(to.height * to.width * channels);
  let at = 0;
  for (const row of rows) {
    for (const column of columns) {
      for (let channel = 0; channel < channels; channel++) {
        const pixel = (y: number, x: number) => pixels[(y * from.width + x) * channels + channel] ?? 0;
        const top = pixel(row.low, column.low) * (1 - column.share) + pixel(row.low, column.high) * column.share;
        const bottom = pixel(row.high, column.low) * (1 - column.share) + pixel(row.high, column.high) * column.share;
        resized[at++] = top * (1 - row.share) + bottom * row.share;
      }
    }
  }
  return resized;
}

/** The two source positions of every target position, and the share of the second. */
function taps(from: number, to: number): { low: number; high: number; share: number }[] {
  return Array.from({ length: to }, (_, i) => {
    const position = Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const low = Math.min(from - 1, Math.floor(position));
    return { low, high: Math.min(from - 1, low + 1), share: position - low };
  });
}
