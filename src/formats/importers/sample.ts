/** What a layout makes of entries: labelled images, one at a time, and the order of their classes at the end. */
import type { ImageShape } from '../../domain/config/architecture.js';
import { TeddyhubError } from '../../domain/errors.js';
import { type ClassOrder, MAX_CLASSES } from '../../domain/jobs/dataset-import.js';

export type Split = 'TRAIN' | 'TEST';

export interface SampleName {
  /** Which record of the source, in the source's own words. */
  readonly record: string;
  /** Null where the layout knows it only at the end. */
  readonly split: Split | null;
  /** What the source calls the class; null where the layout knows it only at the end. */
  readonly className: string | null;
}

/** An image file. */
export interface EncodedSample extends SampleName {
  readonly kind: 'ENCODED';
  /** Throws UnusableRecord. */
  read(): Promise<Buffer>;
}

/** Pixels, height * width * channels bytes in that order; valid until the next sample is asked for. */
export interface RawSample extends SampleName {
  readonly kind: 'RAW';
  readonly pixels: Uint8Array;
  readonly shape: ImageShape;
}

/** A record that is left out, and why. */
export interface SkippedSample {
  readonly kind: 'SKIPPED';
  readonly record: string;
  readonly split: Split | null;
  readonly reason: string;
}

export type Sample = EncodedSample | RawSample | SkippedSample;

export interface ClassList {
  /** What samples call the classes, in the order of their indices. */
  readonly keys: readonly string[];
  /** What the classes are called, in the same order. */
  readonly names: readonly string[];
  /** What decided the order: a list in the source, code points, the source's numbers, or whoever imports. */
  readonly order: ClassOrder;
}

export interface SampleReader {
  /** True where a sample must be read before the next one is asked for. */
  readonly sequential: boolean;
  /** May be iterated once. Throws BAD_INPUT_FILE. */
  samples(): AsyncIterable<Sample>;
  /** How much of the source has been gone through, 0 to 1. */
  fraction(): number;
  /** Once all samples were read; `found` are the classes that samples belong to. Throws BAD_INPUT_FILE. */
  classes(found: ReadonlySet<string>): ClassList;
  /** Of a record whose split or class was null: what it is, or why it is left out. Null: it is of a split that was not asked for. */
  resolve?(record: string): { split: Split; className: string } | { reason: string } | null;
  /** Records that a list of the source names and that were not there, once all of the others were resolved. */
  missing?(): readonly string[];
  close(): Promise<void>;
}

/** Order by code points, as Python's `sorted` has it, so that indices agree with those of other tools. */
export function sortedClasses(found: Iterable<string>): ClassList {
  const names = [...found].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return { keys: names, names, order: 'SORTED' };
}

export const listedClasses = (names: readonly string[]): ClassList => ({ keys: names, names, order: 'SOURCE' });

/**
 * Classes that the source calls 0, 1, ...: as many as have a name, or as the largest number found asks for. Where nothing names
 * them and none is 0, they are counted from 1, as Flowers-102, CUB-200 and the letters of EMNIST are.
 */
export function numberedClasses(found: ReadonlySet<string>, names?: readonly string[]): ClassList {
  if (names !== undefined) return { keys: names.map((_, index) => String(index)), names, order: 'SOURCE' };
  const first = found.size > 0 && !found.has('0') ? 1 : 0;
  let last = first - 1;
  for (const key of found) last = Math.max(last, Number(key));
  const keys = Array.from({ length: last - first + 1 }, (_, index) => String(first + index));
  return { keys, names: keys, order: 'NUMBERED' };
}

/** Classes that nothing names but the labels themselves: numbers where all of them count classes, names otherwise. */
export const labelledClasses = (found: ReadonlySet<string>): ClassList =>
  [...found].every(isClassNumber) ? numberedClasses(found) : sortedClasses(found);

/** `00` and the numbers of dates or of catalogues are what a class is called, and not its place among the others. */
const isClassNumber = (label: string): boolean => /^(0|[1-9]\d*)$/.test(label) && Number(label) < MAX_CLASSES;

/** The classes as they were given: an order for classes that have names, names for classes that are numbers. Throws BAD_INPUT_FILE. */
export function inGivenOrder(own: ClassList, given: readonly string[]): ClassList {
  if (own.order === 'NUMBERED') {
    const first = Number(own.keys[0] ?? 0);
    if (own.keys.length <= given.length)
      return { keys: given.map((_, index) => String(first + index)), names: given, order: 'GIVEN' };
    throw new TeddyhubError(
      'BAD_INPUT_FILE',
      `The source has ${own.keys.length} classes, classNames only ${given.length}.`,
    );
  }
  const indices = new Map(own.names.map((name, index) => [name, index]));
  const foreign = own.names.filter((name) => !given.includes(name));
  if (foreign.length > 0) {
    const some = foreign.slice(0, 3).join(', ');
    throw new TeddyhubError(
      'BAD_INPUT_FILE',
      `classNames lacks ${foreign.length} of the source's classes: ${some} ...`,
    );
  }
  return { keys: given.map((name) => own.keys[indices.get(name) ?? -1] ?? name), names: given, order: 'GIVEN' };
}

/** One record cannot be used; the others can. The message is the reason in the report. */
export class UnusableRecord extends Error {
  override readonly name = 'UnusableRecord';
}
