/** What the jobs read of a dataset and of its teachers. */
import type { ArchitectureConfig } from '../../src/domain/config/architecture.js';
import { TeddyhubError } from '../../src/domain/errors.js';
import type { DatasetRef, ObjectRef, ShardRef, TeacherRef } from '../../src/domain/jobs/references.js';
import { random } from '../../src/domain/random.js';
import { appendFile } from '../../src/formats/append-file.js';
import { MOST_IN_MEMORY, openSplit, readChosen } from '../../src/formats/dataset-splits.js';
import { decodeSafetensors, tensorOfFile } from '../../src/formats/safetensors.js';
import { getVerified, type ObjectStore } from '../../src/platform/object-store/object-store.js';
import type { JobContext } from '../jobs/job.js';
import { buildNetwork } from '../nn/architectures/index.js';
import { decodeParameters } from '../nn/checkpoint.js';
import { type FrozenNetwork, freeze } from '../nn/frozen.js';
import type { Network } from '../nn/network.js';
import type { LabelledImages } from '../nn/training.js';
import type { HostImages } from '../nn/views.js';

/** The images of a split, in memory or, many of them, in a file of the job's own. */
export async function readImages(
  { store, scratch }: Pick<JobContext, 'store' | 'scratch'>,
  { shape }: DatasetRef,
  shards: ShardRef[],
): Promise<LabelledImages> {
  const { images, labels } = await openSplit(store, shards, shape, scratch);
  return { images, labels, ...shape };
}

/** The images [n, h, w, c] of all synthesis tasks, one after another; in a file where their objects have more than `mostInMemory` bytes. */
export async function readSynthetic(
  { store, scratch }: Pick<JobContext, 'store' | 'scratch'>,
  tasks: readonly ObjectRef[],
  mostInMemory = MOST_IN_MEMORY,
): Promise<{ set: HostImages; samples: number }> {
  const file = tasks.reduce((sum, { bytes }) => sum + bytes, 0) > mostInMemory ? appendFile(scratch) : undefined;
  const parts: Uint8Array[] = [];
  let samples = 0;
  let size: readonly number[] = [];
  for (const task of tasks) {
    const { data, shape } = tensorOfFile(decodeSafetensors(await getVerified(store, task)), 'images', 'U8');
    if (samples > 0 && shape.slice(1).join() !== size.join()) {
      throw new TeddyhubError('OBJECT_CORRUPT', `Object ${task.key} has images of another size: start the run again.`);
    }
    if (file) file.append(data);
    else parts.push(data);
    samples += shape[0] as number;
    size = shape.slice(1);
  }
  const [height = 0, width = 0, channels = 0] = size;
  return { set: { images: file ?? new Uint8Array(Buffer.concat(parts)), height, width, channels }, samples };
}

/** The images of the training split at the positions that `choose` answers to the labels of all, in that order. */
export async function readChosenImages(
  { store, scratch }: Pick<JobContext, 'store' | 'scratch'>,
  { shape, train }: DatasetRef,
  choose: (labels: Int32Array) => ArrayLike<number>,
): Promise<LabelledImages> {
  const { images, labels } = await readChosen(store, train, shape, choose, scratch);
  return { images, labels, ...shape };
}

export const networkOf = (architecture: ArchitectureConfig, { shape, classNames }: DatasetRef): Network =>
  buildNetwork(architecture, shape, classNames.length);

/** A teacher's frozen network, of its own architecture. Lives as long as the process. */
export async function loadTeacher(
  store: ObjectStore,
  dataset: DatasetRef,
  { architecture, checkpoint }: TeacherRef,
): Promise<FrozenNetwork> {
  const network = networkOf(architecture, dataset);
  return freeze(network, decodeParameters(network, await getVerified(store, checkpoint)));
}

/**
 * Positions of every class's images, in order. Throws TOO_FEW_IMAGES where a class has fewer than `atLeast`, OBJECT_CORRUPT
 * where a label is of none.
 */
export function indicesByClass(labels: Int32Array, classNames: readonly string[], atLeast: number): Int32Array[] {
  const counts = new Int32Array(classNames.length);
  for (const label of labels) {
    const before = counts[label];
    if (before === undefined) {
      const problem = `The dataset has an image of class ${label}, of ${classNames.length} classes`;
      throw new TeddyhubError('OBJECT_CORRUPT', `${problem}: restore its shards from a backup or import it again.`);
    }
    counts[label] = before + 1;
  }
  const byClass = classNames.map((name, c) => {
    const count = counts[c] as number;
    if (count >= atLeast) return new Int32Array(count);
    throw new TeddyhubError(
      'TOO_FEW_IMAGES',
      `Class ${name} has ${count} training images, fewer than the ${atLeast} images per class asked for.`,
    );
  });
  const filled = counts.fill(0);
  labels.forEach((label, i) => {
    const of = byClass[label] as Int32Array;
    of[filled[label] as number] = i;
    filled[label] = (filled[label] as number) + 1;
  });
  return byClass;
}

/**
 * Every class's images in the order in which a seed draws them. Synthesis starts from the first of them, and the baseline
 * of random real images takes the same, so that under one seed the two differ in nothing but the synthesis.
 */
export const drawnByClass = (byClass: readonly Int32Array[], seed: number): Int32Array[] =>
  byClass.map((indices, c) =>
    random(seed, 'real', c)
      .permutation(indices.length)
      .map((i) => indices[i] as number),
  );
