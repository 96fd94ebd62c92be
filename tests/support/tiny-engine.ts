/** Small networks, images and datasets for tests of the engine. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { architectureConfig, type ImageShape } from '../../src/domain/config/architecture.js';
import type { DatasetRef } from '../../src/domain/jobs/references.js';
import { random } from '../../src/domain/random.js';
import { openFolderObjectStore } from '../../src/platform/object-store/folder-object-store.js';
import type { ObjectStore } from '../../src/platform/object-store/object-store.js';
import { importDataset } from '../../workers/jobs/dataset-import.js';
import { buildNetwork } from '../../workers/nn/architectures/index.js';
import { type FrozenNetwork, freeze } from '../../workers/nn/frozen.js';
import { initialize } from '../../workers/nn/parameters.js';
import type { LabelledImages } from '../../workers/nn/training.js';
import { type Tensor, tf } from '../../workers/tensor/tensorflow.js';
import { writeIdxDataset } from './idx.js';
import { recordedContext } from './recorded-context.js';
import type { Activation, ReferenceNetwork, ReferenceTarget } from './reference-convnet.js';

export interface TinyTeacher {
  readonly frozen: FrozenNetwork;
  /** The same network in float64. */
  readonly reference: ReferenceNetwork;
}

/** The same network in float64. */
export function referenceOf({ network, parameters }: FrozenNetwork): ReferenceNetwork {
  const values = (name: string) => Float64Array.from((parameters[name] as Tensor).dataSync<'float32'>());
  return {
    blocks: network.norms.map(({ name }, block) => ({
      kernel: values(`features.${4 * block}.weight`),
      gamma: values(`${name}.weight`),
      beta: values(`${name}.bias`),
      mean: values(`${name}.running_mean`),
      variance: values(`${name}.running_var`),
    })),
    weight: values('classifier.weight'),
    bias: values('classifier.bias'),
  };
}

/** A network none of whose parameters is 0 or 1, so that each matters. */
export function tinyTeacher(shape: ImageShape, classes: number, depth: number, seed: number): TinyTeacher {
  const network = buildNetwork(architectureConfig.parse({ width: 4, depth }), shape, classes);
  const parameters = initialize(network, seed);
  const source = random(seed, 'tiny-teacher');
  const redraw = (name: string, low: number, high: number) => {
    const { shape: size } = parameters[name] as Tensor;
    parameters[name] = tf.tensor(
      Float32Array.from({ length: size[0] ?? 0 }, () => source.between(low, high)),
      size,
    );
  };
  for (const { name: norm } of network.norms) {
    redraw(`${norm}.weight`, 0.5, 1.5);
    redraw(`${norm}.bias`, -0.5, 0.5);
    redraw(`${norm}.running_mean`, -0.3, 0.3);
    redraw(`${norm}.running_var`, 0.5, 2);
  }
  const frozen = freeze(network, parameters);
  return { frozen, reference: referenceOf(frozen) };
}

/** A target that is not what the network sees of the batch, so that no term is near its minimum. */
export function someTarget(widths: readonly number[], d: number, classes: number, seed = 7): ReferenceTarget {
  const source = random(seed, 'target');
  const draw = (n: number, low: number, high: number) =>
    Float64Array.from({ length: n }, () => source.between(low, high));
  return {
    layers: widths.map((c) => ({ mean: draw(c, -1, 1), variance: draw(c, 0.2, 2) })),
    classMeans: draw(classes * d, 0, 1),
  };
}

/** Random bytes with labels in turn. */
export function tinyImages({ height, width, channels }: ImageShape, n: number, classes: number, seed: number) {
  const source = random(seed, 'tiny-images');
  const images = Uint8Array.from({ length: n * height * width * channels }, () => source.integer(256));
  const labels = Int32Array.from({ length: n }, (_, i) => i % classes);
  return { images, labels, height, width, channels } satisfies LabelledImages;
}

/** Normalised pixels in float64, from uint8 ones. */
export function referenceInput(
  { images, labels, height, width, channels }: LabelledImages<Uint8Array>,
  { mean, std }: { mean: readonly number[]; std: readonly number[] },
): Activation {
  const data = Float64Array.from(
    images,
    (byte, i) => (byte / 255 - (mean[i % channels] ?? 0)) / (std[i % channels] ?? 1),
  );
  return { data, n: labels.length, height, width, channels };
}

export interface TinyWorld {
  /** The objects are in `objects` of it, by key. */
  readonly folder: string;
  readonly store: ObjectStore;
  readonly dataset: DatasetRef;
  close(): Promise<void>;
}

/** A store of its own with a learnable dataset of three classes in it; `change` may touch its files before they are imported. */
export async function tinyWorld(
  { height, width, channels }: ImageShape,
  perClass = 20,
  change: (source: Awaited<ReturnType<typeof writeIdxDataset>>) => Promise<void> = async () => {},
): Promise<TinyWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'teddyhub-engine-'));
  const store = await openFolderObjectStore(join(folder, 'objects'));
  const options = { classes: 3, perClass, testPerClass: 10, height, width, channels, seed: 5 };
  const source = await writeIdxDataset(join(folder, 'idx'), options);
  await change(source);
  const {
    contentDigest,
    trainPerClass: _,
    skipped: __,
    ...rest
  } = await importDataset({ source }, recordedContext(store));
  return { folder, store, dataset: { digest: contentDigest, ...rest }, close: () => rm(folder, { recursive: true }) };
}
