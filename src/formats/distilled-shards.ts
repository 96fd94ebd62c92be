/**
 * Shards of a distilled set: WebDataset tars (https://github.com/webdataset/webdataset). Each sample is a run of files
 * with one key, its six-digit index in the set: `<key>.cls` the class index in decimal, `<key>.json`, `<key>.png`, and
 * `<key>.soft.npy` the STATIC logits, float16 [classes]. Headers are fixed, so equal samples give equal bytes.
 */
import { buffer } from 'node:stream/consumers';
import { extract, pack } from 'tar-stream';
import type { ImageShape } from '../domain/config/architecture.js';
import { TeddyhubError } from '../domain/errors.js';
import type { ShardRef } from '../domain/jobs/references.js';
import { getVerified, type ObjectStore } from '../platform/object-store/object-store.js';
import { type AppendFile, appendFile } from './append-file.js';
import { MOST_IN_MEMORY, type Pixels } from './dataset-splits.js';
import { floatsOf } from './float16.js';
import { decodeNpy, encodeNpy } from './npy.js';
import { decodePng, encodePng, type PngImage } from './png.js';

export interface DistilledSample {
  /** Position in the whole set. */
  readonly index: number;
  /** uint8 [height, width, channels] */
  readonly pixels: Uint8Array;
  readonly label: number;
  readonly className: string;
  /** Which full image's worth of its class the sample belongs to, and which cell of that image it is. */
  readonly slot: number;
  readonly cell: number;
  /** float16 bits [classes]; null where the set has no STATIC labels. */
  readonly staticLogits: Uint16Array | null;
}

/** Samples in shard order, the order that FKD labels count in. */
export interface DistilledImages<P extends Pixels = Uint8Array> {
  /** [count, height, width, channels], row-major. */
  readonly images: P;
  readonly labels: Int32Array;
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** [count, classes]; null where any sample has none, or none was asked for. */
  readonly staticLogits: Float32Array | null;
}

const HEADER = { mode: 0o644, uid: 0, gid: 0, mtime: new Date(0) } as const;

/** Writes the samples, all of one shape, as one tar. */
export async function encodeShard(
  samples: Iterable<DistilledSample> | AsyncIterable<DistilledSample>,
  shape: ImageShape,
): Promise<Buffer> {
  const tar = pack();
  for await (const { index, pixels, label, className, slot, cell, staticLogits } of samples) {
    const key = String(index).padStart(6, '0');
    const add = (extension: string, content: string | Buffer) =>
      tar.entry({ ...HEADER, name: `${key}.${extension}` }, content);
    add('cls', String(label));
    add('json', JSON.stringify({ label, className, slot, cell }));
    add('png', encodePng(pixels, shape));
    if (staticLogits !== null) {
      add('soft.npy', encodeNpy({ dtype: 'float16', shape: [staticLogits.length], data: staticLogits }));
    }
  }
  tar.finalize();
  return buffer(tar);
}

export interface ReadOptions {
  /** A folder for the pixels of a set of more than `mostInMemory` bytes, in a file without a name. */
  readonly scratch?: string;
  readonly mostInMemory?: number;
  /** Whether STATIC logits are read: of many classes they are larger than the pixels. */
  readonly logits?: boolean;
}

/**
 * Reads all shards of a set, into memory unless the options say otherwise. Throws OBJECT_CORRUPT or OBJECT_MISSING, which name the shard.
 */
export async function readDistilledShards(store: ObjectStore, shards: readonly ShardRef[]): Promise<DistilledImages>;
export async function readDistilledShards(
  store: ObjectStore,
  shards: readonly ShardRef[],
  options: ReadOptions,
): Promise<DistilledImages<Pixels>>;
export async function readDistilledShards(
  store: ObjectStore,
  shards: readonly ShardRef[],
  { scratch, mostInMemory = MOST_IN_MEMORY, logits: withLogits = true }: ReadOptions = {},
): Promise<DistilledImages<Pixels>> {
  const count = shards.reduce((sum, shard) => sum + shard.samples, 0);
  let shape: ImageShape = { height: 0, width: 0, channels: 0 };
  let images = new Uint8Array(0);
  let file: AppendFile | undefined;
  /** Without pixels, of which no more than a shard's are held twice. */
  const samples: Omit<StoredSample, 'image'>[] = [];
  for (const shard of shards) {
    const read = await readShard(await getVerified(store, shard), shard.key, withLogits);
    if (read.length !== shard.samples) {
      throw corrupt(shard.key, `holds ${read.length} samples where ${shard.samples} were expected`);
    }
    for (const { image, name, label, logits } of read) {
      if (samples.length === 0) {
        shape = image.shape;
        const bytes = count * image.pixels.length;
        if (scratch !== undefined && bytes > mostInMemory) file = appendFile(scratch);
        else images = new Uint8Array(bytes);
      }
      const { height, width, channels } = image.shape;
      if (height !== shape.height || width !== shape.width || channels !== shape.channels) {
        throw corrupt(name, 'has another image shape than the samples before it');
      }
      if (file) file.append(image.pixels);
      else images.set(image.pixels, samples.length * image.pixels.length);
      samples.push({ name, label, logits });
    }
  }
  return {
    images: file ?? images,
    labels: Int32Array.from(samples, ({ label }) => label),
    count,
    ...shape,
    staticLogits: stackLogits(samples),
  };
}

/** The raw files of one sample. */
export interface RawSample {
  readonly key: string;
  readonly files: ReadonlyMap<string, Buffer>;
}

/** The samples of a shard that is in memory, in its order. Throws OBJECT_CORRUPT, which names the shard. */
export async function rawSamples(bytes: Buffer, shard: string): Promise<RawSample[]> {
  return Array.from(await filesByKey(bytes, shard), ([key, files]) => ({ key, files }));
}

interface StoredSample {
  /** For messages. */
  readonly name: string;
  readonly image: PngImage;
  readonly label: number;
  readonly logits: Float32Array | undefined;
}

async function readShard(bytes: Buffer, shard: string, withLogits: boolean): Promise<StoredSample[]> {
  const samples: StoredSample[] = [];
  for (const [key, files] of await filesByKey(bytes, shard)) {
    const name = `${shard}, sample ${key},`;
    const png = files.get('png');
    const label = Number(files.get('cls')?.toString() || Number.NaN);
    if (png === undefined || !Number.isSafeInteger(label) || label < 0)
      throw corrupt(name, 'lacks an image or a class');
    const soft = withLogits ? files.get('soft.npy') : undefined;
    samples.push({ name, image: decodePng(png), label, logits: soft && logitsOf(soft) });
  }
  return samples;
}

/** As WebDataset does it: the key is all before the first dot, the rest names the file within the sample. */
async function filesByKey(bytes: Buffer, shard: string): Promise<Map<string, Map<string, Buffer>>> {
  const byKey = new Map<string, Map<string, Buffer>>();
  const tar = extract();
  tar.end(bytes);
  try {
    for await (const entry of tar) {
      const [key = '', ...extension] = entry.header.name.split('.');
      const files = byKey.get(key) ?? new Map<string, Buffer>();
      byKey.set(key, files.set(extension.join('.'), await buffer(entry)));
    }
  } catch (cause) {
    throw corrupt(shard, 'is not a readable tar file', cause);
  }
  return byKey;
}

function logitsOf(file: Buffer): Float32Array {
  const { dtype, data } = decodeNpy(file);
  return dtype === 'float16' ? floatsOf(data) : data;
}

function stackLogits(samples: readonly Omit<StoredSample, 'image'>[]): Float32Array | null {
  const classes = samples[0]?.logits?.length;
  if (classes === undefined || samples.some(({ logits }) => logits === undefined)) return null;
  const stacked = new Float32Array(samples.length * classes);
  samples.forEach(({ logits, name }, i) => {
    if (logits?.length !== classes) throw corrupt(name, 'has labels of another length than the samples before it');
    stacked.set(logits, i * classes);
  });
  return stacked;
}

const corrupt = (what: string, problem: string, cause?: unknown): TeddyhubError =>
  new TeddyhubError('OBJECT_CORRUPT', `Shard ${what} ${problem}: restore it from a backup or publish it again.`, {
    cause,
  });
