/**
 * The configuration of an evaluation: what the API takes, the database keeps and the workers read. Defaults are sized for two cores; the trials
 * behind them are in `bench/results/`.
 */
import { z } from 'zod';
import { type ArchitectureConfig, architectureConfig, LIGHT_ARCHITECTURES } from './architecture.js';
import { positive } from './numbers.js';

/**
 * The rate that students of an architecture train well at with AdamW: ConvNets as measured at widths 16 and 128, light networks at
 * 64 pixels (docs/results.md), others as SRe2L and EDC publish.
 */
const studentRate = ({ name, width = 0 }: ArchitectureConfig): number => {
  if (name !== 'CONVNET') return LIGHT_ARCHITECTURES.some((light) => light === name) ? 4e-3 : 1e-3;
  return width > 32 ? 3e-3 : 1e-2;
};

/** PyTorch's default of AdamW, and that of the pool's SGD. */
const WEIGHT_DECAY = { ADAMW: 0.01, SGD: 5e-4 } as const;

const recipeOptions = z.strictObject({
  architecture: architectureConfig.prefault({}),
  steps: positive.max(200_000).default(450),
  batchSize: positive.max(4096).default(100),
  optimizer: z.enum(['ADAMW', 'SGD']).default('ADAMW'),
  /** Left out: that of the architecture. */
  learningRate: z.number().positive().optional(),
  /** Left out: that of the optimizer, apart from the gradient in AdamW and part of it in SGD. */
  weightDecay: z.number().min(0).optional(),
  /** Half a cosine down to 0; a quarter of one, which ends at the middle of its fall; or none. */
  schedule: z.enum(['COSINE', 'HALF_COSINE', 'CONSTANT']).default('COSINE'),
  /** With soft labels: KL divergence, or the mean squared error of logits plus `hardLabelWeight` cross-entropy. */
  loss: z.enum(['KL', 'MSE_CE']).default('KL'),
  hardLabelWeight: z.number().min(0).default(0.025),
  /** KL divergence at this temperature; gradients are scaled by T^2 only where the flag says so. */
  temperature: z.number().positive().default(2),
  scaleByTemperatureSquared: z.boolean().default(false),
  /** Accuracy is that of the weights' exponential moving average with this decay; 0: of the weights themselves. */
  averageDecay: z.number().min(0).max(0.9999).default(0),
  /** Test accuracy is read this many times, evenly spaced; the last is `top1Last`, the largest `top1Best`. */
  accuracyReadings: positive.max(100).default(2),
  /** Steps between two checkpoints of student and optimizer. */
  checkpointEvery: positive.default(100),
});

/** How a student is trained, on whatever set. Rates are known for AdamW alone. */
export const recipeConfig = recipeOptions
  .refine(({ optimizer, learningRate }) => optimizer !== 'SGD' || learningRate !== undefined, {
    error: 'SGD has no default rate: say one',
    path: ['learningRate'],
  })
  .transform((recipe) => ({
    ...recipe,
    learningRate: recipe.learningRate ?? studentRate(recipe.architecture),
    weightDecay: recipe.weightDecay ?? WEIGHT_DECAY[recipe.optimizer],
  }));

/** What a set is measured against: other sets of as many images, and the whole training split with hard labels. */
export const BASELINES = ['RANDOM_REAL', 'REAL_CROPS', 'FULL_REAL'] as const;

/**
 * What students are shown as the truth: the teachers' logits of every view; the class alone; the logits of whole images, under
 * no augmentation, which DD-Ranking's augmentation robust score asks for; or one vector a sample, whatever is seen of it.
 */
export const LABEL_KINDS = ['SOFT', 'HARD', 'SOFT_PLAIN', 'STATIC'] as const;

export const evaluationConfig = z.strictObject({
  recipe: recipeConfig.prefault({}),
  seeds: z
    .array(
      z
        .number()
        .int()
        .min(0)
        .max(2 ** 31 - 1),
    )
    .min(1)
    .max(32)
    .default([0, 1, 2]),
  baselines: z.array(z.enum(BASELINES)).default(['RANDOM_REAL']),
  labelKinds: z.array(z.enum(LABEL_KINDS)).min(1).default(['SOFT', 'HARD']),
});

export type RecipeConfig = z.infer<typeof recipeConfig>;
export type EvaluationConfig = z.infer<typeof evaluationConfig>;
