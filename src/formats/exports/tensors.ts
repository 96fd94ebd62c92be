/**
 * The tensors that the code of dataset-distillation papers keeps in `images_best.pt` and `labels_best.pt` or as
 * `torch.load(...)['data']`: float32 images [n, c, h, w], normalized, at full size, and int64 labels. As safetensors, with a
 * loader that gives them in either form: no pickle, which runs whatever it holds.
 */
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Manifest } from '../../domain/manifest.js';
import { safetensorsHeader } from '../safetensors.js';
import type { Exporter } from './exporter.js';
import { factsOf } from './facts.js';
import { LOADER } from './loader-script.js';
import { hasLogits, type PulledSet, pixelsOf, samplesOf } from './pulled-set.js';
import { resizeBilinear } from './resize.js';

export const exportTensors: Exporter = async (set, to, _options, onSample) => {
  await pipeline(Readable.from(write(set, onSample)), createWriteStream(join(to, 'set.safetensors')));
  await writeFile(join(to, 'load.py'), LOADER);
};

async function* write(set: PulledSet, onSample: () => void): AsyncGenerator<Uint8Array> {
  const { manifest } = set;
  const { sampleCount: n, fullImageShape: full, classNames } = manifest;
  const { header, names } = safetensorsHeader(
    {
      images: { dtype: 'F32', shape: [n, full.channels, full.height, full.width] },
      labels: { dtype: 'I64', shape: [n] },
      ...(hasLogits(manifest) ? { logits: { dtype: 'F16', shape: [n, classNames.length] } as const } : {}),
    },
    {
      format: 'pt',
      set: manifest.id,
      digest: manifest.digest,
      ...asJson({ class_names: classNames, ...factsOf(manifest) }),
    },
  );
  yield header;
  for (const name of names) {
    for await (const sample of samplesOf(set)) {
      if (name === 'images') {
        yield bytesOf(normalize(resizeBilinear(pixelsOf(sample, manifest), manifest.imageShape, full), manifest));
        onSample();
      } else if (name === 'labels') yield bytesOf(BigInt64Array.of(BigInt(sample.label)));
      else yield bytesOf(sample.logits ?? new Uint16Array(classNames.length));
    }
  }
}

/** Metadata of safetensors are texts alone. */
const asJson = (values: object): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, JSON.stringify(value)]));

/** [height, width, channels] of pixels to [channels, height, width] of (pixel / 255 - mean) / std. */
function normalize(pixels: Float32Array, { fullImageShape, mean, std }: Manifest): Float32Array {
  const { height, width, channels } = fullImageShape;
  const size = height * width;
  const planes = new Float32Array(size * channels);
  for (let channel = 0; channel < channels; channel++) {
    const [centre, scale] = [mean[channel] ?? 0, std[channel] ?? 1];
    for (let i = 0; i < size; i++) {
      planes[channel * size + i] = ((pixels[i * channels + channel] ?? 0) / 255 - centre) / scale;
    }
  }
  return planes;
}

const bytesOf = (array: Float32Array | BigInt64Array | Uint16Array): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
