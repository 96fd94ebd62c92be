/**
 * The IDX files of the MNIST family, plain or gzipped. A file is two zero bytes, the element type (8: unsigned byte), the
 * number of dimensions, each dimension as a big-endian uint32, then the elements, row-major. Images have the dimensions
 * [n, height, width] or [n, height, width, channels], labels [n].
 */
import { TeddyhubError } from '../../domain/errors.js';
import type { DatasetSource } from '../../domain/jobs/dataset-import.js';
import { type ByteReader, openByteReader } from './byte-reader.js';
import { inGivenOrder, numberedClasses, type RawSample, type SampleReader, type Split } from './sample.js';

type IdxSource = Extract<DatasetSource, { kind: 'IDX' }>;

const UNSIGNED_BYTE = 8;
const MAX_SIDE = 4096;
/** Labels are held in memory. */
const MAX_RECORDS = 2 ** 27;
const BATCH_BYTES = 1 << 20;

interface IdxHeader {
  count: number;
  /** Bytes of one record. */
  recordBytes: number;
  dimensions: number[];
}

/**
 * Checks headers, counts and labels of the four files; images are streamed as the samples are read. Throws BAD_INPUT_FILE with
 * one line that names the file, here and there.
 */
export async function readIdx(source: IdxSource): Promise<SampleReader> {
  const trainLabels = await readLabels(source.trainLabels);
  const testLabels = await readLabels(source.testLabels);
  const train = await checkImages(source.trainImages, source.trainLabels, trainLabels.length);
  const test = await checkImages(source.testImages, source.testLabels, testLabels.length);
  shapeOf(train, source.trainImages);
  if (test.dimensions.slice(1).join() !== train.dimensions.slice(1).join()) {
    throw bad(source.testImages, `its images are ${sides(test)}, those of ${source.trainImages} are ${sides(train)}`);
  }
  const classNames = source.classNames;
  if (classNames !== undefined) {
    const first = trainLabels.includes(0) || testLabels.includes(0) ? 0 : 1;
    checkLabels(source.trainLabels, trainLabels, first, classNames.length);
    checkLabels(source.testLabels, testLabels, first, classNames.length);
  }
  const total = train.count + test.count;
  let read = 0;
  async function* split(name: Split, path: string, labels: Uint8Array): AsyncGenerator<RawSample> {
    const reader = openByteReader(path);
    let index = 0;
    try {
      for await (const image of idxImages(reader, path)) {
        yield { kind: 'RAW', record: `${path}#${index}`, split: name, className: String(labels[index]), ...image };
        index += 1;
        read += 1;
      }
    } finally {
      reader.close();
    }
  }
  return {
    sequential: true,
    async *samples() {
      yield* split('TRAIN', source.trainImages, trainLabels);
      yield* split('TEST', source.testImages, testLabels);
    },
    fraction: () => read / total,
    classes(found) {
      const own = numberedClasses(found);
      return classNames === undefined ? own : inGivenOrder(own, classNames);
    },
    close: async () => undefined,
  };
}

/** The images of a file, each with the shape of all of them; valid until the next is asked for. Throws BAD_INPUT_FILE. */
export async function* idxImages(reader: ByteReader, path: string) {
  const header = await readHeader(reader, path, 'images');
  const { count, recordBytes } = header;
  const shape = shapeOf(header, path);
  const perBatch = Math.max(1, Math.floor(BATCH_BYTES / recordBytes));
  for (let read = 0; read < count; ) {
    const wanted = Math.min(perBatch, count - read);
    const batch = await reader.read(wanted * recordBytes);
    if (batch.byteLength < wanted * recordBytes) {
      throw truncated(path, 'images', read + Math.floor(batch.byteLength / recordBytes), count);
    }
    for (let i = 0; i < wanted; i++) yield { pixels: batch.subarray(i * recordBytes, (i + 1) * recordBytes), shape };
    read += wanted;
  }
  await expectEnd(reader, path, count, 'images');
}

/** Throws BAD_INPUT_FILE. */
export async function idxLabels(reader: ByteReader, path: string): Promise<Uint8Array> {
  const { count } = await readHeader(reader, path, 'labels');
  const labels = await reader.read(count);
  if (labels.byteLength < count) throw truncated(path, 'labels', labels.byteLength, count);
  await expectEnd(reader, path, count, 'labels');
  return labels;
}

function readLabels(path: string): Promise<Uint8Array> {
  const reader = openByteReader(path);
  return idxLabels(reader, path).finally(() => reader.close());
}

async function checkImages(path: string, labelsPath: string, labels: number): Promise<IdxHeader> {
  const reader = openByteReader(path);
  try {
    const header = await readHeader(reader, path, 'images');
    if (header.count !== labels) {
      throw bad(path, `it holds ${header.count} images, but ${labelsPath} holds ${labels} labels`);
    }
    return header;
  } finally {
    reader.close();
  }
}

async function readHeader(reader: ByteReader, path: string, content: 'images' | 'labels'): Promise<IdxHeader> {
  const magic = await reader.read(4);
  if (magic.byteLength === 0) throw bad(path, 'the file is empty');
  const [zero0, zero1, type, rank] = magic;
  const ranks = content === 'labels' ? [1] : [3, 4];
  const fits =
    magic.byteLength === 4 && zero0 === 0 && zero1 === 0 && type === UNSIGNED_BYTE && ranks.includes(rank ?? 0);
  if (!fits) {
    const found = magic.toString('hex');
    const hint = found === (content === 'labels' ? '00000803' : '00000801') ? ': are images and labels swapped?' : '';
    const expected = ranks.map((number) => `0000080${number}`).join(' or ');
    throw bad(path, `not an IDX file of ${content}: expected the magic number ${expected}, found ${found}${hint}`);
  }
  const rankBytes = (rank ?? 0) * 4;
  const sizes = await reader.read(rankBytes);
  if (sizes.byteLength < rankBytes) throw bad(path, 'it ends within its header');
  const dimensions = Array.from({ length: rank ?? 0 }, (_, i) => sizes.readUInt32BE(i * 4));
  const [count = 0, ...record] = dimensions;
  if (count === 0) throw bad(path, `it holds no ${content}`);
  if (count > MAX_RECORDS) throw bad(path, `its header names ${count} ${content}: more than ${MAX_RECORDS}`);
  return { count, recordBytes: record.reduce((a, b) => a * b, 1), dimensions };
}

function shapeOf(header: IdxHeader, path: string) {
  const [, height = 0, width = 0, channels = 1] = header.dimensions;
  if (height === 0 || width === 0) throw bad(path, `its images are ${sides(header)}: without pixels`);
  if (height > MAX_SIDE || width > MAX_SIDE) {
    throw bad(path, `its images are ${sides(header)}: more than ${MAX_SIDE} pixels a side`);
  }
  if (channels !== 1 && channels !== 3) throw bad(path, `its images have ${channels} channels: 1 or 3 are known`);
  return { height, width, channels };
}

/** Of labels that count from `first` there are as many as classes. Names the file, and does so before any image is read. */
function checkLabels(path: string, labels: Uint8Array, first: number, classes: number): void {
  const last = first + classes - 1;
  const record = labels.findIndex((label) => label > last);
  if (record >= 0) {
    throw bad(
      path,
      `record ${record} has label ${labels[record]}, but there are ${classes} classes (${first} to ${last})`,
    );
  }
}

async function expectEnd(reader: ByteReader, path: string, count: number, content: string): Promise<void> {
  if ((await reader.read(1)).byteLength > 0)
    throw bad(path, `bytes follow the ${count} ${content} that its header names`);
}

const sides = (header: IdxHeader): string => header.dimensions.slice(1).join(' x ');
const truncated = (path: string, content: string, found: number, expected: number): TeddyhubError =>
  bad(path, `the file is truncated: its header names ${expected} ${content}, ${found} are there`);
const bad = (path: string, reason: string): TeddyhubError =>
  new TeddyhubError('BAD_INPUT_FILE', `${path}: ${reason}${reason.endsWith('?') ? '' : '.'}`);
