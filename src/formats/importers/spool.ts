/**
 * Decoded images on their way into shards: their pixels in a file, and a few bytes for each in memory. They come out in an
 * order that their content alone decides, so that equal images make equal shards, whatever archive they came in and however
 * its files were called and ordered. The order is as good as random, so every shard holds all classes.
 */
import type { ImageShape } from '../../domain/config/architecture.js';
import { TeddyhubError } from '../../domain/errors.js';
import { appendFile } from '../append-file.js';
import { contentKeys } from './content-keys.js';
import type { DecodedImage } from './decode.js';

export interface ImageSpool {
  /** Takes an image and answers its number. Throws BAD_INPUT_FILE for one of another size than those before it. */
  append(image: DecodedImage, record: string): number;
  readonly count: number;
  /** Of all images. Null while there is none. */
  shape(): ImageShape | null;
  /** Sorts numbers of images by their content; ties by `tie`. Equal images then lie side by side. */
  sort(numbers: Uint32Array, tie: (a: number, b: number) => number): void;
  equal(a: number, b: number): boolean;
  /** The pixels of an image; valid until the next call. */
  read(number: number): Uint8Array;
  close(): void;
}

/** `channels` null: 1 for as long as every pixel is grey, 3 from the first that is not. */
export function openSpool(folder: string, channels: 1 | 3 | null): ImageSpool {
  let file = appendFile(folder);
  const keys = contentKeys();
  let size: { height: number; width: number; record: string } | undefined;
  let stored: 1 | 3 = channels ?? 1;
  let scratch = new Uint8Array(0);

  const imageBytes = () => (size === undefined ? 0 : size.height * size.width * stored);

  const fit = ({ height, width }: DecodedImage, record: string) => {
    size ??= { height, width, record };
    if (height === size.height && width === size.width) return;
    throw new TeddyhubError(
      'BAD_INPUT_FILE',
      `${record} has ${height}x${width} pixels, ${size.record} has ${size.height}x${size.width}: images of mixed sizes need one to be brought to (option size).`,
    );
  };

  /** All images so far were grey, the next one is not: they are written again with three channels. */
  const promote = () => {
    const grey = file;
    const pixels = new Uint8Array(imageBytes());
    file = appendFile(folder);
    stored = 3;
    for (let i = 0; i < keys.count; i++) {
      grey.read(i * pixels.length, pixels);
      const colour = toColour(pixels);
      file.append(colour);
      keys.set(i, colour);
    }
    grey.close();
  };

  return {
    append(image, record) {
      fit(image, record);
      if (stored === 1 && channels === null && image.channels === 3 && !isGrey(image.pixels)) promote();
      const pixels =
        image.channels === stored ? image.pixels : stored === 3 ? toColour(image.pixels) : toGrey(image.pixels);
      file.append(pixels);
      return keys.add(pixels);
    },
    get count() {
      return keys.count;
    },
    shape: () => (size === undefined ? null : { height: size.height, width: size.width, channels: stored }),
    sort: (numbers, tie) => void numbers.sort((a, b) => keys.compare(a, b) || tie(a, b)),
    equal: (a, b) => keys.compare(a, b) === 0,
    read(number) {
      if (scratch.length !== imageBytes()) scratch = new Uint8Array(imageBytes());
      file.read(number * scratch.length, scratch);
      return scratch;
    },
    close: () => file.close(),
  };
}

function isGrey(pixels: Uint8Array): boolean {
  for (let i = 0; i < pixels.length; i += 3) {
    if (pixels[i] !== pixels[i + 1] || pixels[i] !== pixels[i + 2]) return false;
  }
  return true;
}

function toColour(grey: Uint8Array): Uint8Array {
  const pixels = new Uint8Array(grey.length * 3);
  for (let i = 0; i < grey.length; i++) pixels.fill(grey[i] ?? 0, i * 3, i * 3 + 3);
  return pixels;
}

/** Of pixels whose three channels are equal. */
function toGrey(colour: Uint8Array): Uint8Array {
  const pixels = new Uint8Array(colour.length / 3);
  for (let i = 0; i < pixels.length; i++) pixels[i] = colour[i * 3] ?? 0;
  return pixels;
}
