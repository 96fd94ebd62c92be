/** IEEE 754 binary16, as raw bits in a Uint16Array: Node 22 has no Float16Array. */

const bits = new Uint32Array(1);
const value = new Float32Array(bits.buffer);

/** The half-precision bits nearest to a number, ties to even; beyond 65,504 (plus half a step) it is infinity. */
export function toHalf(number: number): number {
  value[0] = number;
  const word = bits[0] ?? 0;
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Subnormal: adding 0.5 leaves the rounded multiple of 2^-24 in the low bits of the sum.
    bits[0] = magnitude;
    value[0] = (value[0] ?? 0) + 0.5;
    return sign | ((bits[0] ?? 0) - 0x3f000000);
  }
  const odd = (magnitude >>> 13) & 1;
  return sign | ((magnitude - 0x38000000 + 0xfff + odd) >>> 13);
}

/** The number that half-precision bits stand for; exact. */
export function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

export const halvesOf = (numbers: ArrayLike<number>): Uint16Array => Uint16Array.from(numbers, toHalf);
export const floatsOf = (halves: Uint16Array): Float32Array => Float32Array.from(halves, fromHalf);
