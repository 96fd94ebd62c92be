/** A set as `teddyhub pull` left it in a folder, read one shard at a time. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TeddyhubError } from '../../domain/errors.js';
import type { Manifest } from '../../domain/manifest.js';
import { rawSamples } from '../distilled-shards.js';
import { decodeNpy } from '../npy.js';
import { decodePng } from '../png.js';

export interface PulledSet {
  folder: string;
  manifest: Manifest;
}

export interface PulledSample {
  /** Six digits, its index in the set. */
  key: string;
  png: Buffer;
  label: number;
  className: string;
  slot: number;
  cell: number;
  /** float16 bits [classes]; null where the set has no STATIC labels. */
  logits: Uint16Array | null;
}

/** Samples in the order of the set. Throws OBJECT_CORRUPT, OBJECT_MISSING. */
export async function* samplesOf({ folder, manifest }: PulledSet): AsyncGenerator<PulledSample> {
  for (const { url } of manifest.shards) {
    const bytes = await readFile(join(folder, url)).catch((cause: unknown) => {
      throw new TeddyhubError('OBJECT_MISSING', `${join(folder, url)} cannot be read: pull the set again.`, { cause });
    });
    for (const { key, files } of await rawSamples(bytes, url)) {
      const [png, about, soft] = [files.get('png'), files.get('json'), files.get('soft.npy')];
      if (png === undefined || about === undefined) {
        throw new TeddyhubError(
          'OBJECT_CORRUPT',
          `${url}, sample ${key}, lacks an image or its description: pull it again.`,
        );
      }
      const { label, className, slot, cell } = JSON.parse(about.toString('utf8')) as Omit<PulledSample, 'key' | 'png'>;
      yield { key, png, label, className, slot, cell, logits: soft === undefined ? null : bitsOf(soft) };
    }
  }
}

/** uint8 [height, width, channels], of the shape that the manifest tells. */
export function pixelsOf({ png, key }: PulledSample, { imageShape }: Manifest): Uint8Array {
  const { pixels, shape } = decodePng(png);
  const same = (['height', 'width', 'channels'] as const).every((side) => shape[side] === imageShape[side]);
  if (same) return pixels;
  throw new TeddyhubError('OBJECT_CORRUPT', `Sample ${key} has another shape than the manifest says: pull it again.`);
}

export const hasLogits = ({ labelModes }: Manifest): boolean => labelModes.some(({ mode }) => mode === 'STATIC');

function bitsOf(file: Buffer): Uint16Array {
  const array = decodeNpy(file);
  if (array.dtype === 'float16') return array.data;
  throw new TeddyhubError('OBJECT_CORRUPT', 'Soft labels are not float16: pull the set again.');
}
