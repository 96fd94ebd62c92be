/** What a layout makes of entries: labelled images, one at a time, and the order of their classes at the end. */
import type { ImageShape } from '../../domain/config.js';

export type Split = 'TRAIN' | 'TEST';

export interface SampleName {
  /** Which record of the source, in the source's own words. */
  readonly record: string;
  /** Null where the layout knows it only at the end. */
  readonly split: Split | null;
  /** The class by its name in the source; null where the layout knows it only at the end. */
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

export interface SampleReader {
  /** True where a sample must be read before the next one is asked for. */
  readonly sequential: boolean;
  /** May be iterated once. Throws BAD_INPUT_FILE. */
  samples(): AsyncIterable<Sample>;
  /** How much of the source has been gone through, 0 to 1. */
  fraction(): number;
  /**
   * The classes in the source's own order, once all samples were read: `found` are those that samples belong to. Throws
   * BAD_INPUT_FILE.
   */
  classNames(found: ReadonlySet<string>): readonly string[];
  /** Of a record whose split or class was null: what it is, or why it is left out. */
  resolve?(record: string): { split: Split; className: string } | { reason: string };
}

/** One record cannot be used; the others can. The message is the reason in the report. */
export class UnusableRecord extends Error {
  override readonly name = 'UnusableRecord';
}
