/** What the layouts of image files share. */
import type { Entry, EntrySource, FileEntry } from '../entries/entry.js';
import type { EncodedSample, SampleReader, SkippedSample, Split } from '../sample.js';

/** No image file of a dataset is larger; what is, is not read into memory. */
const MAX_IMAGE_BYTES = 128 * 2 ** 20;
/** Lists of names and annotations. */
export const MAX_TEXT_BYTES = 256 * 2 ** 20;

export interface LayoutOptions {
  /** Which folder of the source is the test split, where it holds several. */
  readonly testFolder: string | null;
}

export type Layout = (source: EntrySource, options: LayoutOptions) => SampleReader;

export const imageSample = (file: FileEntry, split: Split | null, className: string | null): EncodedSample => ({
  kind: 'ENCODED',
  record: file.path,
  split,
  className,
  read: () => file.read(MAX_IMAGE_BYTES),
});

export const skipped = (entry: Entry, reason: string, split: Split | null = null): SkippedSample => ({
  kind: 'SKIPPED',
  record: entry.path,
  split,
  reason,
});

/** The folders that splits are called by. */
const TRAIN = new Set(['train', 'training']);
const TEST = new Set(['val', 'valid', 'validation', 'test', 'testing']);

export interface Placed {
  /** The folder that names the split, as it is called in the source. */
  readonly folder: string;
  readonly isTrain: boolean;
  /** What follows it. */
  readonly rest: readonly string[];
}

/** Finds the split's folder in a path, at the top or below one folder that holds everything. */
export function placeInSplit(path: string): Placed | null {
  const segments = path.split('/');
  for (const at of [0, 1]) {
    const folder = segments[at] ?? '';
    const isTrain = TRAIN.has(folder.toLowerCase());
    if (isTrain || TEST.has(folder.toLowerCase())) return { folder, isTrain, rest: segments.slice(at + 1) };
  }
  return null;
}

/** Order by code points, as Python's `sorted` has it, so that indices agree with those of other tools. */
export const byCodePoint = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
