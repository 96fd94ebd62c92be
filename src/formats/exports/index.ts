/** The formats that a set is exported to, beside its own. */
import { exportClassFolders } from './class-folders.js';
import type { Exporter } from './exporter.js';
import { exportNpz } from './npz.js';
import { exportParquet } from './parquet.js';
import { exportTensors } from './tensors.js';

export const EXPORTERS = {
  'class-folders': exportClassFolders,
  parquet: exportParquet,
  npz: exportNpz,
  tensors: exportTensors,
} as const satisfies Record<string, Exporter>;

export type ExportFormat = keyof typeof EXPORTERS;
