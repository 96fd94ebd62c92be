/**
 * The configuration of a teacher pool: what the API takes, the database keeps and the workers read. Defaults are sized for two cores; the trials
 * behind them are in `bench/results/`.
 */
import { z } from 'zod';
import { sha256 } from '../digest.js';
import { architectureConfig } from './architecture.js';
import { fraction, positive } from './numbers.js';

/** How a teacher came about. */
export const TEACHER_KINDS = ['EARLY_EPOCH', 'FULLY_TRAINED', 'RANDOM_INIT', 'PRUNED', 'IMPORTED'] as const;

/** Flip and zero-padded random shift, drawn per image. `shift` in pixels. */
export const augmentationConfig = z.strictObject({
  flip: z.boolean().default(true),
  shift: z.number().int().min(0).max(16).default(2),
});

/** A state dict to take in as a teacher: safetensors with torchvision's names. The service takes it into the object store. */
export const teacherImport = z.strictObject({
  /** What its owner calls the file: where the service finds it, but for an upload. */
  path: z.string().min(1).optional(),
  uploadId: z.string().min(1).optional(),
  architecture: architectureConfig.prefault({}),
  /** Of the file's bytes: another file is refused. */
  digest: sha256.optional(),
});

const poolOptions = z.strictObject({
  architecture: architectureConfig.prefault({}),
  /** Further base runs of the same options, each with teachers of the same kinds. */
  otherArchitectures: z.array(architectureConfig).max(16).default([]),
  epochs: z.number().positive().max(1000).default(2),
  batchSize: positive.max(4096).default(128),
  /** Further base runs of the first architecture, each with teachers of the same kinds; their rate is in proportion. */
  otherBatchSizes: z.array(positive.max(4096)).max(16).default([]),
  learningRate: z.number().positive().default(0.1),
  schedule: z.enum(['COSINE', 'ONE_CYCLE']).default('COSINE'),
  momentum: fraction.default(0.9),
  weightDecay: z.number().min(0).default(5e-4),
  augmentation: augmentationConfig.prefault({}),
  /**
   * Fractional epochs at which the base run is kept, ascending, none beyond `epochs`. Without one that keeps a teacher there is no
   * run. Left out: early ones, and the end.
   */
  checkpointEpochs: z.array(z.number().positive()).max(64).optional(),
  /** The end of a base run is kept, and is no early epoch but FULLY_TRAINED. */
  fullyTrained: z.boolean().default(false),
  /** Shares of channels to prune from the end of a base run: one teacher each, fine-tuned for `fineTuneEpochs`. */
  prunedRatios: z.array(z.number().positive().max(0.9)).max(8).default([]),
  fineTuneEpochs: z.number().positive().max(100).default(0.25),
  /** Left out: one a base run, and none where none is trained. */
  randomInitTeachers: z.number().int().min(0).max(16).optional(),
  imports: z.array(teacherImport).max(16).default([]),
});

const EARLY_EPOCHS = [0.1, 0.5];

const filledPool = poolOptions.transform(({ checkpointEpochs, randomInitTeachers, ...pool }) => {
  const early = EARLY_EPOCHS.filter((epoch) => epoch < pool.epochs);
  const filled = { ...pool, checkpointEpochs: checkpointEpochs ?? [...early, pool.epochs] };
  return { ...filled, randomInitTeachers: randomInitTeachers ?? (trainsBase(filled) ? 1 : 0) };
});

/** Whether a base run is trained: something of it, or made of it, is kept. */
export const trainsBase = ({
  checkpointEpochs,
  fullyTrained,
  prunedRatios,
}: Pick<z.infer<typeof poolOptions>, 'fullyTrained' | 'prunedRatios'> & { checkpointEpochs: number[] }): boolean =>
  fullyTrained || checkpointEpochs.length + prunedRatios.length > 0;

/** A pool of weak teachers: checkpoints of base runs, pruned and random-initialised networks, and imported ones. */
export const poolConfig = filledPool
  .refine((pool) => trainsBase(pool) || pool.imports.length > 0, {
    error:
      'a pool needs a trained teacher, as nobody else can label: a checkpoint epoch, fullyTrained, a pruned ratio or an import',
    path: ['checkpointEpochs'],
  })
  .refine(
    ({ checkpointEpochs: kept, epochs }) => kept.every((epoch, i) => epoch <= epochs && epoch > (kept[i - 1] ?? 0)),
    {
      error: 'must ascend, and not go beyond the epochs of the base run',
      path: ['checkpointEpochs'],
    },
  );

const IDLE =
  'name further base runs, of which nothing is kept: a checkpoint epoch, fullyTrained, a pruned ratio or an untrained teacher is';
const keepsOfBase = (pool: z.infer<typeof poolConfig>): boolean => trainsBase(pool) || pool.randomInitTeachers > 0;

/** Of what is asked for now: pools of before stay what they were. */
export const newPoolConfig = poolConfig
  .refine((pool) => keepsOfBase(pool) || pool.otherArchitectures.length === 0, {
    error: IDLE,
    path: ['otherArchitectures'],
  })
  .refine((pool) => keepsOfBase(pool) || pool.otherBatchSizes.length === 0, { error: IDLE, path: ['otherBatchSizes'] });

export type AugmentationConfig = z.infer<typeof augmentationConfig>;
export type PoolConfig = z.infer<typeof poolConfig>;
