/** Small IDX datasets that a small network can learn. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatasetSource } from '../../src/domain/jobs/dataset-import.js';

export interface SyntheticDataset {
  classes: number;
  perClass: number;
  testPerClass: number;
  height: number;
  width: number;
  channels?: number;
  seed: number;
}

/** An IDX file: big-endian dimensions, then bytes. */
export function idxFile(dimensions: readonly number[], data: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * dimensions.length);
  header.writeUInt32BE(0x800 + dimensions.length, 0);
  for (const [index, size] of dimensions.entries()) header.writeUInt32BE(size, 4 + 4 * index);
  return Buffer.concat([header, data]);
}

/**
 * Writes four IDX files into `folder` and answers them as the source of an import. An image of class c is a bright,
 * slightly displaced square at the class's own place, over noise: easy, but not separable by one pixel.
 */
export async function writeIdxDataset(
  folder: string,
  options: SyntheticDataset,
): Promise<Extract<DatasetSource, { kind: 'IDX' }>> {
  await mkdir(folder, { recursive: true });
  const random = randomBytes(options.seed);
  const writeSplit = async (split: string, perClass: number) => {
    const { images, labels } = drawSplit(options, perClass, random);
    const { height, width, channels = 1 } = options;
    const dimensions = [labels.length, height, width, ...(channels === 1 ? [] : [channels])];
    const paths = [join(folder, `${split}-images.idx`), join(folder, `${split}-labels.idx`)] as const;
    await writeFile(paths[0], idxFile(dimensions, images));
    await writeFile(paths[1], idxFile([labels.length], labels));
    return paths;
  };
  const [trainImages, trainLabels] = await writeSplit('train', options.perClass);
  const [testImages, testLabels] = await writeSplit('test', options.testPerClass);
  return { kind: 'IDX', trainImages, trainLabels, testImages, testLabels };
}

function drawSplit(options: SyntheticDataset, perClass: number, random: () => number) {
  const { classes, height, width, channels = 1 } = options;
  const imageSize = height * width * channels;
  const count = classes * perClass;
  const images = new Uint8Array(count * imageSize);
  const labels = new Uint8Array(count);
  const side = Math.max(2, Math.floor(Math.min(height, width) / 3));
  for (let n = 0; n < count; n++) {
    const label = n % classes;
    labels[n] = label;
    const angle = (2 * Math.PI * label) / classes;
    const top = Math.round(((height - side) * (1 + Math.sin(angle))) / 2) + (random() % 3) - 1;
    const left = Math.round(((width - side) * (1 + Math.cos(angle))) / 2) + (random() % 3) - 1;
    for (let i = 0; i < imageSize; i++) {
      const y = Math.floor(i / channels / width);
      const x = Math.floor(i / channels) % width;
      const inside = y >= top && y < top + side && x >= left && x < left + side;
      images[n * imageSize + i] = (inside ? 150 : 0) + (random() % 100);
    }
  }
  return { images, labels };
}

/** Marsaglia's xorshift32: bytes that depend on the seed alone. */
function randomBytes(seed: number): () => number {
  let state = (seed + 1) * 2654435761 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 8) & 255;
  };
}
