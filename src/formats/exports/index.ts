/** The formats that a set is exported to, beside its own. */
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportClassFolders } from './class-folders.js';
import type { Exporter, ExportOptions } from './exporter.js';
import { exportNpz } from './npz.js';
import { exportParquet } from './parquet.js';
import type { PulledSet } from './pulled-set.js';
import { exportTensors } from './tensors.js';

export const EXPORTERS = {
  'class-folders': exportClassFolders,
  parquet: exportParquet,
  npz: exportNpz,
  tensors: exportTensors,
} as const satisfies Record<string, Exporter>;

export type ExportFormat = keyof typeof EXPORTERS;

/** Writes a set into an empty folder, with its manifest: no other format has a place for all that it says. */
export async function exportSet(
  format: ExportFormat,
  set: PulledSet,
  to: string,
  options: ExportOptions,
  onSample: () => void,
): Promise<void> {
  await EXPORTERS[format](set, to, options, onSample);
  await copyFile(join(set.folder, 'manifest.json'), join(to, 'manifest.json'));
}
