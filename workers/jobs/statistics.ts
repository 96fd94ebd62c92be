/** STATISTICS: one teacher's moments and class means over the real training split. */
import { putByDigest } from '../../src/platform/object-store/object-store.js';
import { loadTeacher, readImages } from '../teddy/dataset.js';
import { encodeStatistics, measureStatistics } from '../teddy/statistics.js';
import type { Job } from './job.js';

export const computeStatistics: Job<'STATISTICS'> = async ({ dataset, teacher }, context) => {
  const { store } = context;
  const frozen = await loadTeacher(store, dataset, teacher);
  const train = await readImages(context, dataset, dataset.train);
  const statistics = await measureStatistics(frozen, train, dataset, {
    breathe: () => context.breathe(),
    progress: (done, total) => context.progress(done, total),
  });
  const file = encodeStatistics(frozen.network, statistics);
  return { statistics: await putByDigest(store, 'statistics', file, '.safetensors') };
};
