import type { PulledSet } from './pulled-set.js';

export interface ExportOptions {
  image: 'png' | 'jpeg';
  /** Of JPEG, 1 to 100. */
  quality: number;
}

/** Writes a set into an empty folder, in little memory; `onSample` is told after every sample. */
export type Exporter = (set: PulledSet, to: string, options: ExportOptions, onSample: () => void) => Promise<void>;
