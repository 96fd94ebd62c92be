/** A split of a dataset, read from its shards (dataset-shards.ts): into memory, or into a file where it is too large for that. */
import type { ImageShape } from '../domain/config.js';
import { TeddyhubError } from '../domain/errors.js';
import type { ShardRef } from '../domain/jobs/references.js';
import { getVerified, type ObjectStore } from '../platform/object-store/object-store.js';
import { appendFile } from './append-file.js';
import { decodeSafetensors, tensorOfFile } from './safetensors.js';

/** Rows of [height, width, channels], one image after the other. */
export type Pixels =
  | Uint8Array
  /** In a file, from which `into` is filled with what lies at `position`. */
  | { read(position: number, into: Uint8Array): void };

export interface Split<P extends Pixels = Uint8Array> {
  images: P;
  labels: Int32Array;
  count: number;
}

/**
 * Larger splits, and larger sets, are read from a file: a worker has its memory for training. Tiny-ImageNet has 1.2 GB, ImageNet
 * at 224 pixels 190, and 50 of its images a class 7.5.
 */
export const MOST_IN_MEMORY = 256 * 2 ** 20;

let held = new Uint8Array(0);

/** `length` bytes from `position` on; valid until the next call. */
export function pixelsAt(pixels: Pixels, position: number, length: number): Uint8Array {
  if (pixels instanceof Uint8Array) return pixels.subarray(position, position + length);
  if (held.length !== length) held = new Uint8Array(length);
  pixels.read(position, held);
  return held;
}

/** Reads all shards of a split into memory. Throws OBJECT_CORRUPT or OBJECT_MISSING, which name the shard. */
export async function readSplit(store: ObjectStore, shards: readonly ShardRef[]): Promise<Split> {
  const { labels, count } = newLabels(shards);
  let images = new Uint8Array(0);
  for await (const { shard, pixels, at } of shardsOf(store, shards, labels)) {
    const imageBytes = pixels.length / Math.max(1, shard.samples);
    if (at === 0) images = new Uint8Array(count * imageBytes);
    images.set(pixels, at * imageBytes);
  }
  return { images, labels, count };
}

/**
 * The same for who reads images here and there: a split of more than `mostInMemory` bytes lies in a file without a name in
 * `scratch`, which is gone with the process. No more than a shard is in memory at once then.
 */
export async function openSplit(
  store: ObjectStore,
  shards: readonly ShardRef[],
  { height, width, channels }: ImageShape,
  scratch: string,
  mostInMemory = MOST_IN_MEMORY,
): Promise<Split<Pixels>> {
  const { labels, count } = newLabels(shards);
  if (count * height * width * channels <= mostInMemory) return readSplit(store, shards);
  const file = appendFile(scratch);
  for await (const { pixels } of shardsOf(store, shards, labels)) file.append(pixels);
  return { images: file, labels, count };
}

function newLabels(shards: readonly ShardRef[]): { labels: Int32Array; count: number } {
  const count = shards.reduce((sum, shard) => sum + shard.samples, 0);
  return { labels: new Int32Array(count), count };
}

/** The pixels of every shard, whose first image is number `at` of the split; fills in `labels` on the way. */
async function* shardsOf(store: ObjectStore, shards: readonly ShardRef[], labels: Int32Array) {
  let at = 0;
  let imageBytes: number | undefined;
  for (const shard of shards) {
    const file = decodeSafetensors(await getVerified(store, shard));
    const { data: pixels } = tensorOfFile(file, 'images', 'U8', [shard.samples, -1, -1, -1]);
    const size = pixels.length / Math.max(1, shard.samples);
    imageBytes ??= size;
    if (size !== imageBytes) {
      throw new TeddyhubError(
        'OBJECT_CORRUPT',
        `Shard ${shard.key} holds images of another shape than the shards before it.`,
      );
    }
    labels.set(tensorOfFile(file, 'labels', 'I32', [shard.samples]).data, at);
    yield { shard, pixels, at };
    at += shard.samples;
  }
}
