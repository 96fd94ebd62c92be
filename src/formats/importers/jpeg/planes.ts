/** The compressed pixels of a baseline JPEG file to the planes of its components. */
import { coefficients, isAtEnd, openBlocks, readBlock } from './block-reader.js';
import type { Component, Header } from './header.js';
import { flatBlock, inverseDct } from './inverse-dct.js';

export interface Plane {
  /** Whole units of interleaving, so that it may be larger than the image. Valid until the next image. */
  readonly pixels: Uint8ClampedArray;
  readonly stride: number;
}

/** Used for every image: arrays of this size cost more to make than to fill. */
const memory: Uint8ClampedArray[] = [];

function memoryOf(i: number, bytes: number): Uint8ClampedArray {
  const held = memory[i];
  if (held !== undefined && held.length >= bytes) return held;
  const made = new Uint8ClampedArray(bytes);
  memory[i] = made;
  return made;
}

/** Null where the data is not exactly what the header says: cut off, too long, or damaged. */
export function decodePlanes(file: Buffer, { height, width, components, scanStart }: Header): Plane[] | null {
  if (!openBlocks(file, scanStart)) return null;
  const { across: most, down: deepest } = components[0] as Component;
  const unitsAcross = Math.ceil(width / (8 * most));
  const unitsDown = Math.ceil(height / (8 * deepest));
  const planes = components.map(({ across, down }, i): Plane => {
    const stride = unitsAcross * across * 8;
    return { stride, pixels: memoryOf(i, stride * unitsDown * down * 8) };
  });
  const predictions = new Int32Array(components.length);
  for (let row = 0; row < unitsDown; row++) {
    for (let column = 0; column < unitsAcross; column++) {
      for (let i = 0; i < components.length; i++) {
        const component = components[i] as Component;
        const { pixels, stride } = planes[i] as Plane;
        const { across, down } = component;
        for (let y = row * down; y < (row + 1) * down; y++) {
          for (let x = column * across; x < (column + 1) * across; x++) {
            const last = readBlock(component, predictions, i);
            if (last < 0) return null;
            const at = 8 * (y * stride + x);
            if (last === 0) flatBlock(coefficients[0] as number, pixels, at, stride);
            else inverseDct(coefficients, pixels, at, stride);
          }
        }
      }
    }
  }
  return isAtEnd() ? planes : null;
}
