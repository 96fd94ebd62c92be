/**
 * Small photographs of the plain kind: baseline JPEG, grey or YCbCr. A library takes most of a millisecond to set itself up for
 * one of them, several times what their pixels take. Everything else, and all that is damaged, is for the library.
 */
import { toRgb } from './colour.js';
import { readHeader } from './header.js';
import { decodePlanes } from './planes.js';

export interface PlainJpeg {
  readonly pixels: Uint8Array;
  readonly height: number;
  readonly width: number;
  /** 1 or 3. */
  readonly channels: number;
}

/** Above, the library is quicker. */
const MOST_PIXELS = 128 * 128;
/** Smaller chroma is not interpolated. */
const LEAST_SIDE = 6;

/** The very pixels that libjpeg-turbo makes of the file; null for a file that is for somebody else. */
export function decodePlainJpeg(file: Buffer): PlainJpeg | null {
  if (file[0] !== 0xff || file[1] !== 0xd8) return null;
  const header = readHeader(file);
  if (header === null) return null;
  const { height, width, components } = header;
  if (height * width > MOST_PIXELS || Math.min(height, width) < LEAST_SIDE) return null;
  const planes = decodePlanes(file, header);
  if (planes === null) return null;
  const [luma, cb, cr] = planes;
  const [first] = components;
  if (luma === undefined || first === undefined) return null;
  if (cb === undefined || cr === undefined) {
    const pixels = new Uint8Array(height * width);
    for (let y = 0; y < height; y++)
      pixels.set(luma.pixels.subarray(y * luma.stride, y * luma.stride + width), y * width);
    return { pixels, height, width, channels: 1 };
  }
  const pixels = toRgb([luma, cb, cr], { height, width, across: first.across, down: first.down });
  return { pixels, height, width, channels: 3 };
}
