/** What the layouts of files share. */
import type { Entry, EntrySource, FileEntry } from '../entries/entry.js';
import type { EncodedSample, SampleReader, SkippedSample, Split } from '../sample.js';

/** No image file of a dataset is larger; what is, is not read into memory. */
export const MAX_IMAGE_BYTES = 128 * 2 ** 20;
/** Lists of names and annotations. */
export const MAX_TEXT_BYTES = 256 * 2 ** 20;

export interface LayoutOptions {
  /** Which of the source's splits is the test split, where it has several. */
  readonly testSplit: string | null;
  /** Which of several labels counts. */
  readonly label: string | null;
  /** A folder for what cannot be read where it lies. */
  readonly scratch: string;
}

export type Layout = (source: EntrySource, options: LayoutOptions) => SampleReader;

/** What every layout hands on of its source. */
export const partsOf = ({ sequential, fraction, close }: EntrySource) => ({ sequential, fraction, close });

export const imageSample = (file: FileEntry, split: Split | null, className: string | null): EncodedSample => ({
  kind: 'ENCODED',
  record: file.path,
  split,
  className,
  read: () => file.read(MAX_IMAGE_BYTES),
});

export const skipped = (entry: Pick<Entry, 'path'>, reason: string, split: Split | null = null): SkippedSample => ({
  kind: 'SKIPPED',
  record: entry.path,
  split,
  reason,
});

export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

export async function readText(file: FileEntry): Promise<string> {
  return (await file.read(MAX_TEXT_BYTES)).toString('utf8').replace(/^\uFEFF/, '');
}

export const linesOf = (text: string): string[] => text.split(/\r?\n/).filter((line) => line.trim() !== '');
