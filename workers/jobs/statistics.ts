/** STATISTICS: one teacher's moments and class means over the real training split; resumable to the same bits. */
import { TeddyhubError } from '../../src/domain/errors.js';
import type { TeacherRef } from '../../src/domain/jobs/references.js';
import { putByDigest } from '../../src/platform/object-store/object-store.js';
import { loadTeacher, readImages } from '../teddy/dataset.js';
import { encodeStatistics, measureStatistics, type Statistics } from '../teddy/statistics.js';
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
  assertFiniteStatistics(statistics, teacher);
  const file = encodeStatistics(frozen.network, statistics);
  return { statistics: await putByDigest(store, 'statistics', file, '.safetensors') };
};

/** A teacher whose features overflow, after a few steps at a large rate, matches nothing, and no rate of synthesis helps. Throws NUMERICS. */
function assertFiniteStatistics(
  { layers, classMeans }: Statistics,
  { index, kind, architecture, accuracy }: TeacherRef,
): void {
  const all = [...layers.flatMap(({ mean, variance }) => [mean, variance]), classMeans];
  if (all.every((values) => values.every((value) => Number.isFinite(value)))) return;
  throw new TeddyhubError(
    'NUMERICS',
    `Teacher ${index} (${kind} of ${architecture.name}, ${accuracy.toFixed(1)} %) overflows on the real images: ` +
      'leave it out by config.teachers, or train a pool at a smaller rate.',
  );
}
