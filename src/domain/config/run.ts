/**
 * The configuration of a run: what the API takes, the database keeps and the workers read. Defaults are sized for two cores; the trials
 * behind them are in `bench/results/`.
 */
import { z } from 'zod';
import { type ArchitectureConfig, FIXED_ARCHITECTURES } from './architecture.js';
import { fraction, positive } from './numbers.js';
import { augmentationConfig, TEACHER_KINDS } from './pool.js';

/** How much the loss of a family's teachers weighs: networks of many norms have larger ones. */
export const architectureWeight = z.strictObject({
  name: z.enum(['CONVNET', ...FIXED_ARCHITECTURES]),
  weight: z.number().min(0),
});

export const synthesisConfig = z.strictObject({
  imagesPerClass: z.number().int().min(1).max(500).default(10),
  /** f x f cells of half (a third, ...) the side share one image's pixels; cells are stored as samples of their own. */
  formation: z.union([z.literal(1), z.literal(2), z.literal(3)], { error: 'must be 1, 2 or 3' }).default(1),
  steps: positive.max(20_000).default(200),
  learningRate: z.number().positive().default(0.02),
  /** How the planner cuts a run into tasks: at most this many images' worth of a class, */
  imagesPerClassPerTask: positive.max(500).default(10),
  /** and at most so many classes; 0: as many of both as keep a task's memory within bounds. */
  classesPerTask: z.number().int().min(0).max(10_000).default(0),
  /** Random real images; the crops of real images that the best teacher is surest of; or noise. */
  init: z.enum(['RANDOM_REAL', 'REAL_CROPS', 'NOISE']).default('RANDOM_REAL'),
  teachersPerStep: positive.max(16).default(1),
  teacherOrder: z.enum(['ROUND_ROBIN', 'RANDOM']).default('ROUND_ROBIN'),
  /** a, b, c_0 and g of the loss in docs/teddy.md. */
  crossEntropyWeight: z.number().min(0).default(1),
  momentsWeight: z.number().min(0).default(0.1),
  firstLayerWeight: z.number().min(0).default(2),
  classMeanWeight: z.number().min(0).default(1),
  /** Share that the moments of a teacher's earlier steps keep in those that are matched. */
  momentsMemory: z.number().min(0).max(0.99).default(0),
  /** Images join in so many rounds, the last ones for the shortest time, and so stay as they began the most. */
  rounds: positive.max(100).default(1),
  /** Weights of the loss of teachers of these architectures; those of all others have 1. */
  architectureWeights: z
    .array(architectureWeight)
    .max(16)
    .refine((weights) => new Set(weights.map(({ name }) => name)).size === weights.length, {
      error: 'an architecture has one weight',
    })
    .default([]),
  augmentation: augmentationConfig.prefault({}),
  /** Crops as those of a student's views: images must look like the real ones to the teachers under them. 1: none. */
  cropScaleMin: fraction.default(0.3),
  /** Steps between two checkpoints of images and optimizer state. */
  checkpointEvery: positive.default(50),
});

/** Every stored view of FKD: random crop resized to the full side, flip, mix with another view, and the ensemble's logits for the result. */
export const labelConfig = z.strictObject({
  /** Views averaged into one STATIC vector per sample. */
  staticViews: positive.max(256).default(8),
  /** Training steps for which FKD labels are stored, and their batch size. */
  fkdSteps: positive.max(200_000).default(450),
  fkdBatchSize: positive.max(4096).default(100),
  cropScaleMin: fraction.default(0.3),
  flip: z.boolean().default(true),
  mix: z.enum(['NONE', 'CUTMIX', 'MIXUP']).default('CUTMIX'),
  /** How many trained teachers, best by accuracy first, label: out of the whole pool, whichever of it is matched. */
  ensembleSize: positive.max(16).default(1),
  /** How their logits become one: the mean; the mean at equal norms; or weighted by exp(accuracy / 10), in percent. */
  weighting: z.enum(['PLAIN', 'NORM_BALANCED', 'ACCURACY']).default('PLAIN'),
  /** FKD stores the largest logits of a view alone, and students take the probability of all others for 0. 0: stores all. */
  topK: z.number().int().min(0).max(1000).default(0),
  /** Share of the steps whose labels are stored, the first ones; students go through them again. Their views have to show every sample. */
  keptShare: z.number().positive().max(1).default(1),
});

/** Files of FKD labels hold so many steps. */
export const FKD_STEPS_PER_FILE = 100;

/** How many steps' labels are stored. A share is no binary fraction: .07 of 100 steps is 7.000000000000001 of them. */
export const storedSteps = ({ fkdSteps, keptShare }: { fkdSteps: number; keptShare: number }): number =>
  Math.max(1, Math.ceil(fkdSteps * keptShare - 1e-9));

/** Which teachers of the pool a run matches: of these kinds, with an accuracy (percent) within these bounds. */
export const teacherSelection = z.strictObject({
  kinds: z
    .array(z.enum(TEACHER_KINDS))
    .min(1)
    .default([...TEACHER_KINDS]),
  minAccuracy: z.number().min(0).max(100).default(0),
  maxAccuracy: z.number().min(0).max(100).default(100),
});

export const runConfig = z.strictObject({
  teachers: teacherSelection.prefault({}),
  synthesis: synthesisConfig.prefault({}),
  labels: labelConfig.prefault({}),
});

/** What the loss of a teacher of this architecture is multiplied by. */
export const weightOf = (
  { architectureWeights }: Pick<SynthesisConfig, 'architectureWeights'>,
  { name }: Pick<ArchitectureConfig, 'name'>,
): number => architectureWeights.find((one) => one.name === name)?.weight ?? 1;

export type SynthesisConfig = z.infer<typeof synthesisConfig>;
export type LabelConfig = z.infer<typeof labelConfig>;
export type RunConfig = z.infer<typeof runConfig>;
