/** Image files to pixels of one size, by libvips: orientation applied, alpha over white, 8 bits a channel, sRGB. */
import sharp, { type Sharp } from 'sharp';
import type { ImageShape } from '../../domain/config/architecture.js';
import type { ImagePreparation } from '../../domain/jobs/dataset-import.js';
import { type RawSample, UnusableRecord } from './sample.js';

export interface DecodedImage {
  readonly pixels: Uint8Array;
  readonly height: number;
  readonly width: number;
  /** 1 or 3. */
  readonly channels: number;
}

/** Pixels that an image may have, whatever its file's size. */
const ALWAYS_ALLOWED = 4_000_000;
const MOST_PIXELS = 100_000_000;
/** Images that are kept as they are: training reads them whole. */
const MOST_PIXELS_UNSIZED = 2048 * 2048;
/** Decoded bytes for one byte of the file: photographs stay below 50, bombs reach 1,000. */
const MOST_RATIO = 200;
const FIT = { CROP: 'cover', STRETCH: 'fill', PAD: 'contain' } as const;
const WHITE = '#ffffff';
/** What JPEG, PNG and WebP call the block that may hold an orientation. */
const EXIF = ['Exif', 'eXIf', 'EXIF'];

// Nothing but the three formats is ever parsed, and threads come from many images at once, not from one.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: ['VipsForeignLoadJpeg', 'VipsForeignLoadPng', 'VipsForeignLoadWebp'] });
sharp.cache(false);
sharp.concurrency(1);

/** Throws UnusableRecord with what is wrong with the file. */
export async function decodeImage(file: Buffer, preparation: ImagePreparation): Promise<DecodedImage> {
  if (file.byteLength === 0) throw new UnusableRecord('the file is empty');
  const limitInputPixels = Math.min(
    preparation.size === null ? MOST_PIXELS_UNSIZED : MOST_PIXELS,
    Math.max(ALWAYS_ALLOWED, Math.floor((file.byteLength * MOST_RATIO) / 3)),
  );
  const open = (bytes: Buffer) => sharp(bytes, { limitInputPixels, failOn: 'warning' });
  try {
    let image = open(file);
    // Each of the two costs a tenth of a small image's time, also where there is nothing to do.
    if (EXIF.some((mark) => file.includes(mark))) image.autoOrient();
    // sharp works on these in Display P3, and leaves that only where its answer is to have a profile.
    if (hasWideProfile(file)) image = open(await image.withIccProfile('srgb').png().toBuffer());
    if (!isJpeg(file)) image.flatten({ background: WHITE });
    return await prepare(image, preparation);
  } catch (error) {
    throw new UnusableRecord(reasonOf(error), { cause: error });
  }
}

/** Pixels that are there already, brought to the same size and channels as image files are. */
export async function prepareRaw({ pixels, shape }: RawSample, preparation: ImagePreparation): Promise<DecodedImage> {
  if (isAsWanted(shape, preparation)) return { pixels, ...shape };
  const raw = { ...shape, channels: shape.channels as 1 | 3 };
  return prepare(sharp(pixels, { raw }), preparation);
}

/** Whether pixels are kept as they are. Grey ones are colour as well: they become so where they are kept. */
export function isAsWanted(shape: ImageShape, { size, channels }: ImagePreparation): boolean {
  const sized = size === null || (size.height === shape.height && size.width === shape.width);
  return sized && (channels === null || channels >= shape.channels);
}

async function prepare(image: Sharp, { size, fit, channels }: ImagePreparation): Promise<DecodedImage> {
  if (size !== null) image.resize({ ...size, fit: FIT[fit], background: WHITE });
  if (channels === 1) image.toColourspace('b-w');
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  return { pixels: data, height: info.height, width: info.width, channels: info.channels };
}

export const isJpeg = (file: Buffer): boolean => file[0] === 0xff && file[1] === 0xd8;

/** A PNG of 16 bits a channel in colour, with a profile: bytes 24 and 25 are the depth and the type. */
const hasWideProfile = (file: Buffer): boolean =>
  file[0] === 0x89 && file[24] === 16 && ((file[25] ?? 0) & 2) !== 0 && file.includes('iCCP');

function reasonOf(error: unknown): string {
  const said = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  if (said.includes('unsupported image format')) return 'it is no JPEG, PNG or WebP file';
  if (said.includes('exceeds pixel limit')) {
    return `it has more pixels than a file of its size may have (${MOST_RATIO} bytes of image a byte of file; ${MOST_PIXELS} in all, ${MOST_PIXELS_UNSIZED} where no size is given)`;
  }
  return `it is damaged (${said.trim().replace(/^Vips\w*: /i, '')})`;
}
