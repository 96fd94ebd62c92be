import type { Manifest } from '../../domain/manifest.js';

/** What training needs beside the samples, for files that are read without the set's manifest.json. */
interface Facts {
  /** Per channel, of pixels scaled to [0, 1]: test images are normalized by them, too. */
  mean: number[];
  std: number[];
  /** Height, width, channels: what samples are to be resized to. */
  full_image_shape: [number, number, number];
  /** Of the logits, where the set has any. */
  temperature?: number;
}

export function factsOf({ mean, std, fullImageShape, labelModes }: Manifest): Facts {
  const { height, width, channels } = fullImageShape;
  const soft = labelModes.find(({ mode }) => mode === 'STATIC');
  const facts: Facts = { mean, std, full_image_shape: [height, width, channels] };
  return soft === undefined ? facts : { ...facts, temperature: soft.temperature };
}
