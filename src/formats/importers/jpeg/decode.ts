/**
 * Small photographs of the plain kind: baseline JPEG, grey or YCbCr, by mozjpeg in WebAssembly. libvips takes most of a
 * millisecond to set itself up for one of them, ten times what their pixels take. Everything else, and all that is damaged, is
 * for libvips.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import decode, { init } from '@jsquash/jpeg/decode.js';
import { type Header, readHeader } from './header.js';

export interface PlainJpeg extends Header {
  readonly pixels: Uint8Array;
}

/** Above, libvips is as quick. */
const MOST_PIXELS = 128 * 128;

const wasmBinary = readFileSync(createRequire(import.meta.url).resolve('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm'));
let isReady = false;
/** The decoder warns of damage on its way, once a file, by a line of text. */
let warned = false;
const printErr = () => {
  warned = true;
};

/** The very pixels that libvips makes of the file; null for a file that is for libvips. */
export async function decodePlainJpeg(file: Buffer): Promise<PlainJpeg | null> {
  if (file[0] !== 0xff || file[1] !== 0xd8) return null;
  const header = readHeader(file);
  if (header === null || header.height * header.width > MOST_PIXELS) return null;
  const image = await decodeWhole(file);
  return image && { ...header, pixels: withoutAlpha(image, header) };
}

/** RGBA; null where the decoder had anything to say of the file. */
async function decodeWhole(file: Buffer): Promise<Uint8ClampedArray | null> {
  warned = false;
  try {
    if (!isReady) await init({ wasmBinary, print: printErr, printErr });
    isReady = true;
    const { data } = await decode(file as unknown as ArrayBuffer);
    return warned ? null : data;
  } catch {
    // What it threw at may have left its memory in any state.
    isReady = false;
    return null;
  }
}

function withoutAlpha(rgba: Uint8ClampedArray, { height, width, channels }: Header): Uint8Array {
  const pixels = new Uint8Array(height * width * channels);
  for (let from = 0, to = 0; to < pixels.length; from += 4) {
    for (let channel = 0; channel < channels; channel++) pixels[to++] = rgba[from + channel] as number;
  }
  return pixels;
}
