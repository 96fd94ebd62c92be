/**
 * The inverse DCT of 8 x 8 coefficients in integers, after Loeffler, Ligtenberg and Moschytz (ICASSP 1989), with 13 bits of
 * fraction in the factors and 2 between its passes, each of which rounds once. That makes it equal, to the bit, to what
 * other decoders compute by their accurate integer method.
 */

const FRACTION = 13;
const BETWEEN = 2;
const fixed = (x: number): number => Math.round(x * 2 ** FRACTION);
const F0_298 = fixed(0.298631336);
const F0_390 = fixed(0.39018064);
const F0_541 = fixed(0.5411961);
const F0_765 = fixed(0.765366865);
const F0_899 = fixed(0.899976223);
const F1_175 = fixed(1.175875602);
const F1_501 = fixed(1.50132111);
const F1_847 = fixed(1.847759065);
const F1_961 = fixed(1.96157056);
const F2_053 = fixed(2.053119869);
const F2_562 = fixed(2.562915447);
const F3_072 = fixed(3.072711026);

const COLUMN_SHIFT = FRACTION - BETWEEN;
const ROW_SHIFT = FRACTION + BETWEEN + 3;
const COLUMN_BIAS = 1 << (COLUMN_SHIFT - 1);
/** Pixels lie around 128. */
const ROW_BIAS = (1 << (ROW_SHIFT - 1)) + (128 << ROW_SHIFT);

const block = new Int32Array(64);

/** Writes 8 x 8 pixels into `plane`, whose rows have `stride` of them, from `at` on. `coefficients` lie row by row. */
export function inverseDct(coefficients: Int32Array, plane: Uint8ClampedArray, at: number, stride: number): void {
  for (let column = 0; column < 8; column++) transform(coefficients, column, 8, COLUMN_SHIFT, COLUMN_BIAS);
  for (let row = 0, to = at; row < 64; row += 8, to += stride) {
    transform(block, row, 1, ROW_SHIFT, ROW_BIAS);
    for (let x = 0; x < 8; x++) plane[to + x] = block[row + x] as number;
  }
}

/** The same where all coefficients but the first are 0. */
export function flatBlock(first: number, plane: Uint8ClampedArray, at: number, stride: number): void {
  const value = ((first + 4) >> 3) + 128;
  for (let row = 0, to = at; row < 8; row++, to += stride) {
    for (let x = 0; x < 8; x++) plane[to + x] = value;
  }
}

/** One row or column of eight, into the same places of `block`. */
function transform(from: Int32Array, at: number, step: number, shift: number, bias: number): void {
  const c0 = from[at] as number;
  const c1 = from[at + step] as number;
  const c2 = from[at + 2 * step] as number;
  const c3 = from[at + 3 * step] as number;
  const c4 = from[at + 4 * step] as number;
  const c5 = from[at + 5 * step] as number;
  const c6 = from[at + 6 * step] as number;
  const c7 = from[at + 7 * step] as number;
  if ((c1 | c2 | c3 | c4 | c5 | c6 | c7) === 0) {
    const flat = ((c0 << FRACTION) + bias) >> shift;
    for (let i = 0; i < 8; i++) block[at + i * step] = flat;
    return;
  }
  const turned = Math.imul(c2 + c6, F0_541);
  const low = turned - Math.imul(c6, F1_847);
  const high = turned + Math.imul(c2, F0_765);
  const sum = ((c0 + c4) << FRACTION) + bias;
  const difference = ((c0 - c4) << FRACTION) + bias;
  const all = Math.imul(c1 + c3 + c5 + c7, F1_175);
  const outer = Math.imul(c1 + c7, F0_899);
  const inner = Math.imul(c3 + c5, F2_562);
  const far = all - Math.imul(c3 + c7, F1_961);
  const near = all - Math.imul(c1 + c5, F0_390);
  const odd0 = Math.imul(c1, F1_501) - outer + near;
  const odd1 = Math.imul(c3, F3_072) - inner + far;
  const odd2 = Math.imul(c5, F2_053) - inner + near;
  const odd3 = Math.imul(c7, F0_298) - outer + far;
  block[at] = (sum + high + odd0) >> shift;
  block[at + step] = (difference + low + odd1) >> shift;
  block[at + 2 * step] = (difference - low + odd2) >> shift;
  block[at + 3 * step] = (sum - high + odd3) >> shift;
  block[at + 4 * step] = (sum - high - odd3) >> shift;
  block[at + 5 * step] = (difference - low - odd2) >> shift;
  block[at + 6 * step] = (difference + low - odd1) >> shift;
  block[at + 7 * step] = (sum + high - odd0) >> shift;
}
