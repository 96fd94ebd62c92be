/** The jobs of the engine at a size that takes a second, and a context that keeps their checkpoints. */
import { architectureConfig } from '../../src/domain/config/architecture.js';
import { recipeConfig } from '../../src/domain/config/evaluation.js';
import { poolConfig } from '../../src/domain/config/pool.js';
import { labelConfig, type SynthesisConfig, synthesisConfig } from '../../src/domain/config/run.js';
import type { JobPayload } from '../../src/domain/jobs/contracts.js';
import type { TeacherRef } from '../../src/domain/jobs/references.js';
import type { ObjectStore } from '../../src/platform/object-store/object-store.js';
import type { JobContext } from '../../workers/jobs/job.js';
import { label } from '../../workers/jobs/labeling.js';
import { trainPool } from '../../workers/jobs/pool-training.js';
import { computeStatistics } from '../../workers/jobs/statistics.js';
import { synthesize } from '../../workers/jobs/synthesis.js';
import { recordedContext } from './recorded-context.js';
import type { TinyWorld } from './tiny-engine.js';

const architecture = architectureConfig.parse({ width: 4, depth: 2 });
const augmentation = { flip: true, shift: 1 };

export interface KeptContext extends JobContext {
  readonly checkpoints: { bytes: Buffer; step: number }[];
  /** The loss of every step, under its number. */
  readonly losses: Map<number, number | undefined>;
  readonly metrics: { name: string; step: number; value: number }[];
}

export function keptContext(store: ObjectStore, resumeFrom?: Buffer): KeptContext {
  const checkpoints: KeptContext['checkpoints'] = [];
  const losses: KeptContext['losses'] = new Map();
  const metrics: KeptContext['metrics'] = [];
  return {
    ...recordedContext(store),
    resumeFrom,
    checkpoints,
    losses,
    metrics,
    progress: (step, _total, loss) => losses.set(step, loss),
    checkpoint: async (bytes, step) => {
      checkpoints.push({ bytes: Buffer.from(bytes), step });
    },
    metric: (name, step, value) => metrics.push({ name, step, value }),
  };
}

export const poolPayload = ({ dataset }: TinyWorld): JobPayload<'POOL_TRAINING'> => ({
  dataset,
  config: poolConfig.parse({
    learningRate: 0.05,
    architecture,
    epochs: 3,
    batchSize: 16,
    augmentation,
    checkpointEpochs: [0.5, 1, 2],
    randomInitTeachers: 1,
  }),
  imported: [],
  seed: 1,
});

export async function withStatistics(
  { store, dataset }: TinyWorld,
  teachers: readonly TeacherRef[],
): Promise<JobPayload<'SYNTHESIS'>['teachers']> {
  const complete: JobPayload<'SYNTHESIS'>['teachers'] = [];
  for (const teacher of teachers) {
    complete.push({ ...teacher, ...(await computeStatistics({ dataset, teacher }, keptContext(store))) });
  }
  return complete;
}

export const synthesisPayload = (
  { dataset }: TinyWorld,
  teachers: JobPayload<'SYNTHESIS'>['teachers'],
  options: Partial<SynthesisConfig> = {},
): JobPayload<'SYNTHESIS'> => ({
  dataset,
  teachers,
  config: synthesisConfig.parse({
    imagesPerClass: 2,
    formation: 2,
    classMeanWeight: 0.1,
    steps: 12,
    checkpointEvery: 3,
    augmentation,
    ...options,
  }),
  seed: 2,
  taskIndex: 0,
  classes: dataset.classNames.map((_, c) => c),
  firstImage: 0,
  imagesPerClass: options.imagesPerClass ?? 2,
});

const labels = labelConfig.parse({ staticViews: 2, fkdSteps: 101, fkdBatchSize: 8 });

export const labelingPayload = (
  { dataset }: TinyWorld,
  teachers: readonly TeacherRef[],
  images: JobPayload<'LABELING'>['images'],
): JobPayload<'LABELING'> => ({
  dataset,
  teachers: teachers.map(({ index, kind, architecture, epoch, accuracy, checkpoint }) => ({
    index,
    kind,
    architecture,
    epoch,
    accuracy,
    checkpoint,
  })),
  images,
  formation: 2,
  config: labels,
  seed: 3,
});

export const evaluationPayload = (
  { dataset }: TinyWorld,
  labelTeachers: readonly TeacherRef[],
): JobPayload<'EVALUATION'> => ({
  dataset,
  labelTeachers: [...labelTeachers],
  subject: 'RANDOM_REAL',
  imagesPerClass: 4,
  shards: [],
  fkd: [],
  labelConfig: labels,
  recipe: recipeConfig.parse({
    architecture,
    steps: 25,
    schedule: 'CONSTANT',
    averageDecay: 0.8,
    batchSize: 8,
    accuracyReadings: 3,
    checkpointEvery: 10,
  }),
  labelKinds: ['HARD', 'SOFT'],
  seed: 4,
});

/** Pool, statistics, synthesis and labels, undisturbed: everything that these jobs answer, digests of all bytes included. */
export async function runPipeline(world: TinyWorld) {
  const context = () => keptContext(world.store);
  const { teachers } = await trainPool(poolPayload(world), context());
  const pool = await withStatistics(world, teachers);
  const synthesis = await synthesize(synthesisPayload(world, pool), context());
  const labelled = await label(labelingPayload(world, teachers, [synthesis.images]), context());
  return { teachers, pool, synthesis, labelled };
}
