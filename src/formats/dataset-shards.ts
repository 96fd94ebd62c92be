/**
 * A dataset at rest: immutable safetensors shards, named by digest under `datasets/`. Each holds `images` uint8
 * [n, height, width, channels] and `labels` int32 [n].
 */
import { canonicalJson } from '../domain/canonical-json.js';
import type { ImageShape } from '../domain/config/architecture.js';
import type { ShardRef } from '../domain/jobs/references.js';
import { digestOf, type ObjectStore, putByDigest } from '../platform/object-store/object-store.js';
import { encodeSafetensors, safetensorsHeader } from './safetensors.js';

const SHARD_SAMPLES = 8192;
/** Large images get fewer samples a shard, so that a shard in memory stays small. */
const SHARD_BYTES = 32 * 2 ** 20;

export interface SplitSummary {
  shards: ShardRef[];
  count: number;
  perClass: number[];
  /** Per channel, for pixel values scaled to [0, 1]. `std` is the population's, and never below 1 / 255, so dividing by it is safe. */
  mean: number[];
  std: number[];
}

export interface SplitWriter {
  /** Takes one image, height * width * channels bytes in that order, which may be reused afterwards. */
  push(pixels: ArrayLike<number>, label: number): Promise<void>;
  finish(): Promise<SplitSummary>;
}

/** Writes a split as shards that are flushed as they fill: memory is bounded by one shard. */
export function splitWriter(store: ObjectStore, shape: ImageShape, classes: number): SplitWriter {
  const imageSize = shape.height * shape.width * shape.channels;
  const capacity = Math.max(1, Math.min(SHARD_SAMPLES, Math.floor(SHARD_BYTES / imageSize)));
  const { file, images, labels } = wholeShard(capacity, shape);
  const moments = channelMoments(shape.channels);
  const perClass = new Array<number>(classes).fill(0);
  const shards: ShardRef[] = [];
  let filled = 0;

  const flush = async () => {
    const pixels = images.subarray(0, filled * imageSize);
    moments.add(pixels);
    const bytes =
      filled === capacity
        ? file
        : encodeSafetensors({
            images: { dtype: 'U8', shape: [filled, shape.height, shape.width, shape.channels], data: pixels },
            labels: { dtype: 'I32', shape: [filled], data: labels.subarray(0, filled) },
          });
    shards.push({ ...(await putByDigest(store, 'datasets', bytes, '.safetensors')), samples: filled });
    filled = 0;
  };

  return {
    async push(pixels, label) {
      images.set(pixels, filled * imageSize);
      labels[filled] = label;
      perClass[label] = (perClass[label] ?? 0) + 1;
      filled += 1;
      if (filled === capacity) await flush();
    },
    async finish() {
      if (filled > 0) await flush();
      return { shards, count: shards.reduce((sum, shard) => sum + shard.samples, 0), perClass, ...moments.finish() };
    },
  };
}

/** What a shard begins with. Wider elements come first: labels follow it, and pixels them. */
export const shardHeader = (samples: number, { height, width, channels }: ImageShape) =>
  safetensorsHeader({
    images: { dtype: 'U8', shape: [samples, height, width, channels] },
    labels: { dtype: 'I32', shape: [samples] },
  });

/** The file of a full shard, to be filled in place: what `encodeSafetensors` makes of the same images, without a second copy. */
function wholeShard(samples: number, shape: ImageShape) {
  const { header, bodyBytes } = shardHeader(samples, shape);
  const file = new Uint8Array(header.length + bodyBytes);
  file.set(header);
  const labels = new Int32Array(file.buffer, header.length, samples);
  return { file, labels, images: file.subarray(header.length + labels.byteLength) };
}

/** The squares of so many pixels add up to less than 2^31, which is the quickest arithmetic that there is. */
const SUMMED = 32_768;

/** Sums of pixels and of their squares, exact in integers: the result does not depend on the order of the images. */
function channelMoments(channels: number) {
  const sums = new Array<bigint>(channels).fill(0n);
  const squares = new Array<bigint>(channels).fill(0n);
  let pixelsPerChannel = 0n;
  return {
    add(pixels: Uint8Array) {
      for (let start = 0; start < pixels.length; start += SUMMED * channels) {
        const end = Math.min(pixels.length, start + SUMMED * channels);
        for (let channel = 0; channel < channels; channel++) {
          let sum = 0;
          let square = 0;
          for (let i = start + channel; i < end; i += channels) {
            const pixel = pixels[i] as number;
            sum = (sum + pixel) | 0;
            square = (square + Math.imul(pixel, pixel)) | 0;
          }
          sums[channel] = (sums[channel] ?? 0n) + BigInt(sum);
          squares[channel] = (squares[channel] ?? 0n) + BigInt(square);
        }
      }
      pixelsPerChannel += BigInt(pixels.length / channels);
    },
    finish() {
      const n = Number(pixelsPerChannel);
      const mean = sums.map((sum) => Number(sum) / n / 255);
      const std = sums.map((sum, channel) => {
        // n^2 times the variance; the difference is taken before anything is rounded.
        const scaled = pixelsPerChannel * (squares[channel] ?? 0n) - sum * sum;
        return Math.max(1 / 255, Math.sqrt(Number(scaled)) / n / 255);
      });
      return { mean, std };
    },
  };
}

/** The digest of a dataset's content: equal classes, shape and images, equal digest. */
export function datasetDigest(content: {
  classNames: readonly string[];
  shape: ImageShape;
  train: readonly ShardRef[];
  test: readonly ShardRef[];
}): string {
  const { height, width, channels } = content.shape;
  const digests = (shards: readonly ShardRef[]) => shards.map((shard) => shard.digest);
  const canonical = canonicalJson({
    classNames: content.classNames,
    shape: { height, width, channels },
    train: digests(content.train),
    test: digests(content.test),
  });
  return digestOf(Buffer.from(canonical));
}
