/** What every importer hands over: the shape of the data first, then the samples of each split, one at a time. */
import type { ImageShape } from '../../domain/config.js';

export interface Sample {
  /** height * width * channels bytes; valid until the next sample is asked for. */
  pixels: ArrayLike<number>;
  label: number;
}

/** A record that was left out, and why. */
export interface SkippedRecord {
  split: 'TRAIN' | 'TEST';
  record: string;
  reason: string;
}

export interface ImportedDataset {
  classNames: string[];
  shape: ImageShape;
  trainCount: number;
  testCount: number;
  train: AsyncIterable<Sample>;
  test: AsyncIterable<Sample>;
  skipped: SkippedRecord[];
}
