/** Which code does which kind of job. The type has a place for each kind, so that none is forgotten and none is there twice. */
import type { JobKind } from '../../src/domain/jobs/contracts.js';
import type { Job } from './job.js';

/** Loaded on demand: an import of files needs no TensorFlow. */
const JOBS: { [K in JobKind]: () => Promise<Job<K>> } = {
  DATASET_IMPORT: async () => (await import('./dataset-import.js')).importDataset,
  POOL_TRAINING: async () => (await import('./pool-training.js')).trainPool,
  STATISTICS: async () => (await import('./statistics.js')).computeStatistics,
  SYNTHESIS: async () => (await import('./synthesis.js')).synthesize,
  LABELING: async () => (await import('./labeling.js')).label,
  PUBLISHING: async () => (await import('./publishing.js')).publish,
  EVALUATION: async () => (await import('./evaluation.js')).evaluate,
};

export const loadJob = <K extends JobKind>(kind: K): Promise<Job<K>> => JOBS[kind]();

/** Throws when the code of any kind cannot be loaded. */
export async function loadAllJobs(): Promise<void> {
  await Promise.all(Object.values(JOBS).map((load) => load()));
}
