/** What the layouts of files share. */
import { TeddyhubError } from '../../../domain/errors.js';
import type { Entry, EntrySource, FileEntry } from '../entries/entry.js';
import { type EncodedSample, type SampleReader, type SkippedSample, type Split, UnusableRecord } from '../sample.js';
import type { SplitChooser } from '../splits.js';

/** No image file of a dataset is larger; what is, is not read into memory. */
export const MAX_IMAGE_BYTES = 128 * 2 ** 20;
/** Lists of names and annotations. */
export const MAX_TEXT_BYTES = 256 * 2 ** 20;

export interface LayoutOptions {
  /** Which of the source's splits is the test split. */
  readonly choose: SplitChooser;
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

/** Throws BAD_INPUT_FILE. */
export async function readText(file: FileEntry): Promise<string> {
  const bytes = await file.read(MAX_TEXT_BYTES).catch((cause: unknown) => {
    // One record can be left out, and a text that speaks of all of them cannot.
    if (!(cause instanceof UnusableRecord)) throw cause;
    throw new TeddyhubError('BAD_INPUT_FILE', `${file.path}: ${cause.message}.`, { cause });
  });
  return bytes.toString('utf8').replace(/^\uFEFF/, '');
}

export const linesOf = (text: string): string[] => text.split(/\r?\n/).filter((line) => line.trim() !== '');
