/** Content of distilled sets that a network can learn from, and what the engine renders of it. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageShape } from '../../src/domain/config/architecture.js';
import type { LabelConfig } from '../../src/domain/config/run.js';
import { fkdName, shardName } from '../../src/domain/manifest.js';
import { random } from '../../src/domain/random.js';
import { type DistilledSample, encodeShard } from '../../src/formats/distilled-shards.js';
import { floatsOf, halvesOf } from '../../src/formats/float16.js';
import { encodeLabels, keepLargest, type LabelledViews } from '../../src/formats/labels.js';
import { encodeSafetensors } from '../../src/formats/safetensors.js';
import { drawViews, gatherImages, type HostImages, normalize, renderViews } from '../../workers/nn/views.js';
import { resize } from '../../workers/tensor/kernels/index.js';
import { valuesOf } from '../../workers/tensor/tensorflow.js';
import { type SyntheticDataset, writeIdxDataset } from './idx.js';
import type { SetContent } from './published-set.js';

export interface TrainableOptions {
  /** Of the full image, and of the sample as stored. */
  shape: ImageShape;
  stored: { height: number; width: number };
  classes: number;
  samplesPerClass: number;
  labels: Pick<LabelConfig, 'cropScaleMin' | 'flip' | 'mix' | 'topK'>;
  batchSize: number;
  /** Of each label file. */
  stepsPerFile: number;
  files: number;
}

export interface TrainableSet {
  content: SetContent;
  /** Safetensors of what the engine makes of it: `views`, `logits` and `own`, step after step; `full`, all images. */
  golden: Buffer;
  /** IDX files of images of the same kind: `test-images.idx`, `test-labels.idx`. */
  testFolder: string;
}

const SHARD_SAMPLES = 10;
const STATISTICS = { mean: [0.3, 0.4, 0.5], std: [0.25, 0.2, 0.3] };

/** Writes the images as IDX files into `folder` on the way. */
export async function trainableSet(folder: string, options: TrainableOptions): Promise<TrainableSet> {
  const { shape, stored, classes, samplesPerClass, batchSize, stepsPerFile } = options;
  const { channels } = shape;
  const idx = { classes, perClass: samplesPerClass, testPerClass: 50, channels, seed: 1 };
  const { images, labels } = await drawImages(join(folder, 'stored'), { ...idx, ...stored });
  await drawImages(folder, { ...idx, ...shape });
  const set: HostImages<Uint8Array> = { images, ...stored, channels };
  const normalization = { mean: STATISTICS.mean.slice(0, channels), std: STATISTICS.std.slice(0, channels) };

  const steps = stepsPerFile * options.files;
  const place = { seed: 3, samples: labels.length, batchSize };
  const batches = Array.from({ length: steps }, (_, step) => {
    const views = drawViews(options.labels, shape, { ...place, step });
    return { ...views, logits: logitsOf(views.sample, views.partner, views.lambda, labels, classes, step) };
  });
  const fkd = Array.from({ length: options.files }, (_, file) => ({
    name: fkdName(file * stepsPerFile),
    bytes: encodeLabels(
      batches.slice(file * stepsPerFile, (file + 1) * stepsPerFile),
      file * stepsPerFile,
      options.labels.topK,
    ),
  }));
  const own = Int32Array.from({ length: labels.length }, (_, i) => i);
  const staticLogits = logitsOf(own, own, 1, labels, classes, -1);
  const staticFile = encodeSafetensors({
    logits: { dtype: 'F16', shape: [labels.length, classes], data: staticLogits },
  });

  const shards: SetContent['shards'] = [];
  for (let first = 0; first < labels.length; first += SHARD_SAMPLES) {
    const samples = [...samplesOf(set, labels, staticLogits, classes)].slice(first, first + SHARD_SAMPLES);
    const name = shardName(shards.length);
    shards.push({ name, bytes: await encodeShard(samples, { ...stored, channels }), samples: samples.length });
  }
  return {
    content: {
      shards,
      labels: { STATIC: [{ name: 'static.safetensors', bytes: staticFile }], FKD: fkd },
      manifest: {
        classNames: Array.from({ length: classes }, (_, c) => `class ${c} «é»`),
        imageShape: { ...stored, channels },
        fullImageShape: shape,
        formation: shape.height / stored.height,
        imagesPerClass: samplesPerClass / (shape.height / stored.height) ** 2,
        ...normalization,
        architecture: { name: 'CONVNET', width: 16, depth: 2 },
      },
      recipe: { architecture: { name: 'CONVNET', width: 16, depth: 2 }, steps: 2 * steps, batchSize },
    },
    golden: goldenOf(set, batches, options, normalization),
    testFolder: folder,
  };
}

/** The engine's own: what networks are given, in NHWC, and the logits as students get them. */
function goldenOf(
  set: HostImages<Uint8Array>,
  batches: readonly LabelledViews[],
  { shape, classes, labels, batchSize }: TrainableOptions,
  normalization: { mean: number[]; std: number[] },
): Buffer {
  const { height, width, channels } = shape;
  const views = batches.flatMap((batch) => [
    ...valuesOf(() => normalize(renderViews(set, shape, batch), normalization)),
  ]);
  const logits = batches.flatMap((batch) => [...floatsOf(keepLargest(batch.logits, classes, labels.topK))]);
  const count = set.images.length / (set.height * set.width * channels);
  const all = Int32Array.from({ length: count }, (_, i) => i);
  const full = valuesOf(() => normalize(resize(gatherImages(set, all), height, width), normalization));
  const f32 = (shape: number[], data: ArrayLike<number>) => ({
    dtype: 'F32' as const,
    shape,
    data: Float32Array.from(data),
  });
  return encodeSafetensors({
    views: f32([batches.length, batchSize, height, width, channels], views),
    logits: f32([batches.length, batchSize, classes], logits),
    full: f32([count, height, width, channels], full),
  });
}

/** float16 logits that favour the classes of a view by their shares, with some noise. */
function logitsOf(
  sample: Int32Array,
  partner: Int32Array,
  lambda: number,
  labels: Int32Array,
  classes: number,
  step: number,
): Uint16Array {
  const source = random(5, 'logits', step);
  const values = Float32Array.from({ length: sample.length * classes }, () => source.normal() / 2);
  sample.forEach((index, i) => {
    const other = sample[partner[i] ?? 0] ?? 0;
    for (const [of, share] of [
      [index, lambda],
      [other, 1 - lambda],
    ] as const) {
      const at = i * classes + (labels[of] ?? 0);
      values[at] = (values[at] ?? 0) + 8 * share;
    }
  });
  return halvesOf(values);
}

function* samplesOf(
  { images, height, width, channels }: HostImages<Uint8Array>,
  labels: Int32Array,
  logits: Uint16Array,
  classes: number,
): Generator<DistilledSample> {
  const size = height * width * channels;
  for (const [index, label] of labels.entries()) {
    yield {
      index,
      pixels: images.subarray(index * size, (index + 1) * size),
      label,
      className: `class ${label} «é»`,
      slot: index,
      cell: 0,
      staticLogits: logits.subarray(index * classes, (index + 1) * classes),
    };
  }
}

/** The training split of a small dataset whose files it writes. */
async function drawImages(
  folder: string,
  dataset: SyntheticDataset,
): Promise<{ images: Uint8Array; labels: Int32Array }> {
  const { trainImages, trainLabels } = await writeIdxDataset(folder, dataset);
  const bodyOf = async (path: string) => {
    const file = await readFile(path);
    return file.subarray(4 + 4 * (file[3] ?? 0));
  };
  return { images: await bodyOf(trainImages), labels: Int32Array.from(await bodyOf(trainLabels)) };
}
