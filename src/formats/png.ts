/** 8-bit PNG files, grey or RGB, by pngjs. Encoding is deterministic: fixed filter and compression, no metadata. */
import { PNG } from 'pngjs';
import type { ImageShape } from '../domain/config/architecture.js';
import { TeddyhubError } from '../domain/errors.js';

export interface PngImage {
  /** uint8 [height, width, channels], row-major. */
  readonly pixels: Uint8Array;
  readonly shape: ImageShape;
}

/** Colour types of the PNG specification, by the number of channels. */
const GREY = 0;
const RGB = 2;
/** Run-length matches (strategy 3) alone: what other ones find depends on the processor that zlib was built for. */
const ENCODING = { bitDepth: 8, inputHasAlpha: false, filterType: 0, deflateLevel: 9, deflateStrategy: 3 } as const;
/** The byte of the file that holds the colour type: signature, length and name of IHDR, two sides, bit depth. */
const COLOUR_TYPE_AT = 25;

/** Writes [height, width, channels] pixels of one or three channels. Throws RangeError for other shapes. */
export function encodePng(pixels: Uint8Array, { height, width, channels }: ImageShape): Buffer {
  if ((channels !== 1 && channels !== 3) || pixels.length !== height * width * channels) {
    throw new RangeError(`a PNG of ${height}x${width}x${channels} cannot hold ${pixels.length} bytes`);
  }
  const colorType = channels === 1 ? GREY : RGB;
  const png = Object.assign(new PNG({ width, height }), { data: Buffer.from(pixels) });
  return PNG.sync.write(png, { ...ENCODING, colorType, inputColorType: colorType });
}

/** Reads an 8-bit grey or RGB file. Throws OBJECT_CORRUPT on anything else. */
export function decodePng(bytes: Uint8Array): PngImage {
  const { width, height, data } = parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const colourType = bytes[COLOUR_TYPE_AT];
  if ((colourType !== GREY && colourType !== RGB) || bytes[COLOUR_TYPE_AT - 1] !== 8) {
    throw new TeddyhubError('OBJECT_CORRUPT', 'Not an 8-bit grey or RGB PNG file.');
  }
  // pngjs always hands out RGBA.
  const channels = colourType === GREY ? 1 : 3;
  const pixels = new Uint8Array(height * width * channels);
  for (let i = 0; i < height * width; i++) {
    for (let channel = 0; channel < channels; channel++) {
      pixels[i * channels + channel] = data[i * 4 + channel] ?? 0;
    }
  }
  return { pixels, shape: { height, width, channels } };
}

function parse(file: Buffer): PNG {
  try {
    return PNG.sync.read(file);
  } catch (cause) {
    throw new TeddyhubError('OBJECT_CORRUPT', 'Not a readable PNG file.', { cause });
  }
}
