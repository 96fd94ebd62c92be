/**
 * Planes to pixels: chroma brought to the size of luma by a triangle filter, and YCbCr to RGB in integers with 16 bits of
 * fraction, as JFIF has it. Both round as other decoders do.
 */
import type { Plane } from './planes.js';

const FRACTION = 16;
const HALF = 1 << (FRACTION - 1);
const fixed = (x: number): number => Math.round(x * 2 ** FRACTION);
const RED_OF_CR = fixed(1.402);
const BLUE_OF_CB = fixed(1.772);
const GREEN_OF_CR = fixed(0.71414);
const GREEN_OF_CB = fixed(0.34414);
/** Chroma without colour. */
const NONE = 128;

/** Luma and two of chroma. */
export type ColourPlanes = readonly [Plane, Plane, Plane];

/** Rows of `height` x `width` pixels of three bytes; `across` and `down` are how many pixels of luma one of chroma stands for. */
export function toRgb(
  planes: ColourPlanes,
  { height, width, across, down }: Record<'height' | 'width' | 'across' | 'down', number>,
): Uint8Array {
  const rgb = new Uint8ClampedArray(height * width * 3);
  const lowest = Math.ceil(height / down) - 1;
  for (let y = 0; y < height; y++) {
    const near = down === 1 ? y : y >> 1;
    if (across === 1) rowOfOwn(planes, y, width, rgb);
    else if (down === 1) rowOfHalf(planes, y, [near, near], width, [4, 8], rgb);
    else {
      const far = Math.min(lowest, Math.max(0, y % 2 === 0 ? near - 1 : near + 1));
      rowOfHalf(planes, y, [near, far], width, [8, 7], rgb);
    }
  }
  return new Uint8Array(rgb.buffer);
}

/** A row whose pixels have each a chroma of their own. */
function rowOfOwn([luma, cb, cr]: ColourPlanes, y: number, width: number, rgb: Uint8ClampedArray): void {
  const { stride } = luma;
  for (let x = 0, from = y * stride, to = y * width * 3; x < width; x++, from++, to += 3) {
    write(rgb, to, luma.pixels[from] as number, (cb.pixels[from] as number) - NONE, (cr.pixels[from] as number) - NONE);
  }
}

/**
 * A row whose pixels share a chroma by two. What a pixel gets is three quarters of the nearer in every direction and a quarter
 * of the farther: in sixteenths of two rows and two columns, rounded by `halves`, for the left and the right pixel.
 */
function rowOfHalf(
  [luma, cb, cr]: ColourPlanes,
  y: number,
  [near, far]: readonly [number, number],
  width: number,
  [left, right]: readonly [number, number],
  rgb: Uint8ClampedArray,
): void {
  const blues = cb.pixels;
  const reds = cr.pixels;
  const light = luma.pixels;
  const last = Math.ceil(width / 2) - 1;
  let nearer = near * cb.stride;
  let farther = far * cb.stride;
  let blue = 3 * (blues[nearer] as number) + (blues[farther] as number);
  let red = 3 * (reds[nearer] as number) + (reds[farther] as number);
  let blueBefore = blue;
  let redBefore = red;
  let from = y * luma.stride;
  let to = y * width * 3;
  for (let i = 0; i <= last; i++, from += 2, to += 6) {
    if (i < last) {
      nearer += 1;
      farther += 1;
    }
    const blueBehind = 3 * (blues[nearer] as number) + (blues[farther] as number);
    const redBehind = 3 * (reds[nearer] as number) + (reds[farther] as number);
    const blueLeft = ((3 * blue + blueBefore + left) >> 4) - NONE;
    const redLeft = ((3 * red + redBefore + left) >> 4) - NONE;
    write(rgb, to, light[from] as number, blueLeft, redLeft);
    if (2 * i + 1 < width) {
      const blueRight = ((3 * blue + blueBehind + right) >> 4) - NONE;
      const redRight = ((3 * red + redBehind + right) >> 4) - NONE;
      write(rgb, to + 3, light[from + 1] as number, blueRight, redRight);
    }
    blueBefore = blue;
    redBefore = red;
    blue = blueBehind;
    red = redBehind;
  }
}

/** One pixel: the array clamps. */
function write(rgb: Uint8ClampedArray, to: number, light: number, blue: number, red: number): void {
  rgb[to] = light + ((Math.imul(red, RED_OF_CR) + HALF) >> FRACTION);
  rgb[to + 1] = light + ((HALF - Math.imul(blue, GREEN_OF_CB) - Math.imul(red, GREEN_OF_CR)) >> FRACTION);
  rgb[to + 2] = light + ((Math.imul(blue, BLUE_OF_CB) + HALF) >> FRACTION);
}
