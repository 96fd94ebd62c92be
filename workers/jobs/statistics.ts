/** STATISTICS: one teacher's moments and class means over the real training split; resumable to the same bits. */
import { putByDigest } from '../../src/platform/object-store/object-store.js';
import { loadTeacher, readImages } from '../teddy/dataset.js';
import { encodeStatistics, measureStatistics } from '../teddy/statistics.js';
import type { Job } from './job.js';

/** Samples between two checkpoints: a minute of a deep network, and seconds of a small one. */
const CHECKPOINT_EVERY = 10_000;

export const computeStatistics: Job<'STATISTICS'> = async ({ dataset, teacher }, context) => {
  const { store, resumeFrom } = context;
  const frozen = await loadTeacher(store, dataset, teacher);
  const train = await readImages(context, dataset, dataset.train);
  let saved = 0;
  const passed = async (state: () => Buffer, done: number) => {
    if (done === train.labels.length || (done - saved < CHECKPOINT_EVERY && !context.stopping())) return;
    await context.checkpoint(state(), done);
    saved = done;
  };
  const reports = { breathe: context.breathe, progress: context.progress, passed };
  const statistics = await measureStatistics(frozen, train, dataset, reports, resumeFrom);
  const file = encodeStatistics(frozen.network, statistics);
  return { statistics: await putByDigest(store, 'statistics', file, '.safetensors') };
};
