/** A split of a dataset, read from its shards (dataset-shards.ts): into memory, or into a file where it is too large for that. */
import type { ImageShape } from '../domain/config/architecture.js';
import { TeddyhubError } from '../domain/errors.js';
import type { ShardRef } from '../domain/jobs/references.js';
import { getVerified, type ObjectStore } from '../platform/object-store/object-store.js';
import { appendFile } from './append-file.js';
import { shardHeader } from './dataset-shards.js';
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

/**
 * The images at the positions that `choose` answers, in that order, and their labels. It is asked with the labels of all,
 * which are read from the heads of the shards; of the shards only those with such an image are read whole, and verified: a task
 * that wants a few hundred images of a million reads gigabytes less. In a file where it is more than `mostInMemory` bytes, as
 * with `openSplit`. Throws OBJECT_CORRUPT, OBJECT_MISSING.
 */
export async function readChosen(
  store: ObjectStore,
  shards: readonly ShardRef[],
  shape: ImageShape,
  choose: (labels: Int32Array) => ArrayLike<number>,
  scratch: string,
  mostInMemory = MOST_IN_MEMORY,
): Promise<Split<Pixels>> {
  const all = await readLabels(store, shards, shape);
  const chosen = Array.from(choose(all));
  const size = shape.height * shape.width * shape.channels;
  const isLarge = chosen.length * size > mostInMemory;
  const file = isLarge ? appendFile(scratch) : undefined;
  const images = new Uint8Array(isLarge ? 0 : chosen.length * size);
  const wanted = chosen.map((from, into) => ({ from, into })).sort((a, b) => a.from - b.from);
  let next = 0;
  let at = 0;
  for (const shard of shards) {
    const end = at + shard.samples;
    if ((wanted[next]?.from ?? Number.POSITIVE_INFINITY) < end) {
      const { pixels, labels } = await readShard(store, shard);
      if (pixels.length !== shard.samples * size || labels.some((label, i) => label !== all[at + i])) {
        throw corrupt(shard.key, 'holds other images than its head says');
      }
      for (let one = wanted[next]; one && one.from < end; one = wanted[++next]) {
        const image = pixels.subarray((one.from - at) * size, (one.from - at + 1) * size);
        if (file) file.append(image);
        else images.set(image, one.into * size);
      }
    }
    at = end;
  }
  const labels = Int32Array.from(chosen, (i) => all[i] as number);
  if (file === undefined) return { images, labels, count: chosen.length };
  /** Where in the file each is: it has them in the order of the split. */
  const places = new Float64Array(chosen.length);
  for (const [place, { into }] of wanted.entries()) places[into] = place;
  const read = (position: number, into: Uint8Array) =>
    file.read((places[Math.floor(position / size)] as number) * size + (position % size), into);
  return { images: { read }, labels, count: chosen.length };
}

/** Of all images of a split; nothing verifies them. */
async function readLabels(store: ObjectStore, shards: readonly ShardRef[], shape: ImageShape): Promise<Int32Array> {
  const { labels } = newLabels(shards);
  let at = 0;
  for (const { key, samples } of shards) {
    const { header } = shardHeader(samples, shape);
    const head = await store.get(key, { start: 0, length: header.length + 4 * samples });
    if (head.length < header.length + 4 * samples || !head.subarray(0, header.length).equals(header)) {
      throw corrupt(key, `is not one of ${samples} images of ${shape.height} x ${shape.width} x ${shape.channels}`);
    }
    // A copy: a buffer of the store may lie anywhere in its memory, and these are read as whole words.
    labels.set(new Int32Array(new Uint8Array(head.subarray(header.length)).buffer), at);
    at += samples;
  }
  return labels;
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
    const { pixels, labels: own } = await readShard(store, shard);
    const size = pixels.length / Math.max(1, shard.samples);
    imageBytes ??= size;
    if (size !== imageBytes) {
      throw corrupt(shard.key, 'holds images of another shape than the shards before it');
    }
    labels.set(own, at);
    yield { shard, pixels, at };
    at += shard.samples;
  }
}

const corrupt = (shard: string, problem: string): TeddyhubError =>
  new TeddyhubError(
    'OBJECT_CORRUPT',
    `Shard ${shard} ${problem}: restore it from a backup or import the dataset again.`,
  );

async function readShard(store: ObjectStore, shard: ShardRef): Promise<{ pixels: Uint8Array; labels: Int32Array }> {
  const file = decodeSafetensors(await getVerified(store, shard));
  return {
    pixels: tensorOfFile(file, 'images', 'U8', [shard.samples, -1, -1, -1]).data,
    labels: tensorOfFile(file, 'labels', 'I32', [shard.samples]).data,
  };
}
