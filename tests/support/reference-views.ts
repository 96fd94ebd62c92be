/** Views of grey square images in plain float64, written from docs/formats.md, to hold the engine's against. */

/** A view's pixel at a position, bilinear, 0 beyond the image's outermost centres. */
export function sampleAt(image: Float64Array, side: number, y: number, x: number): number {
  if (y < 0 || x < 0 || y > side - 1 || x > side - 1) return 0;
  const [top, left] = [Math.floor(y), Math.floor(x)];
  const at = (row: number, column: number) => image[Math.min(row, side - 1) * side + Math.min(column, side - 1)] ?? 0;
  const [dy, dx] = [y - top, x - left];
  const upper = at(top, left) * (1 - dx) + at(top, left + 1) * dx;
  const lower = at(top + 1, left) * (1 - dx) + at(top + 1, left + 1) * dx;
  return upper * (1 - dy) + lower * dy;
}

/** An image [side, side] through the box y1, x1, y2, x2 of the centres of its first and last rows and columns; x1 > x2 mirrors it. */
export function cropOf(image: Float64Array, side: number, box: ArrayLike<number>): Float64Array {
  const [y1 = 0, x1 = 0, y2 = 0, x2 = 0] = Array.from(box);
  const between = (first: number, last: number, i: number) => first + (i * (last - first)) / (side - 1);
  return Float64Array.from({ length: side ** 2 }, (_, i) =>
    sampleAt(image, side, between(y1, y2, Math.floor(i / side)), between(x1, x2, i % side)),
  );
}
