/**
 * The typed configurations of pools, runs and evaluations: what the API takes, the database keeps and the workers read.
 * Defaults are sized for two cores; the trials behind them are in `bench/results/`.
 */
import { z } from 'zod';
import { sha256 } from './digest.js';

const positive = z.number().int().positive();
const fraction = z.number().min(0).max(1);

/** Networks of a fixed size, as torchvision builds them. */
export const FIXED_ARCHITECTURES = [
  'RESNET18',
  'RESNET50',
  'RESNET101',
  'DENSENET121',
  'MOBILENET_V2',
  'SHUFFLENET_V2_X0_5',
  'SHUFFLENET_V2_X1_0',
  'EFFICIENTNET_B0',
] as const;

/**
 * First layers of a network of a fixed size. SMALL: one 3x3 convolution of stride 1, as is the custom for CIFAR. LARGE: as for ImageNet,
 * of stride 2, and max pooling after it where torchvision's network has it.
 */
export const STEMS = ['SMALL', 'LARGE'] as const;

/**
 * ConvNet-D: `depth` blocks of 3x3 convolution, batch norm, ReLU and 2x2 average pooling, then one linear layer; or one of
 * the networks of a fixed size, which take neither width nor depth.
 */
export const architectureConfig = z
  .strictObject({
    name: z.enum(['CONVNET', ...FIXED_ARCHITECTURES]).default('CONVNET'),
    width: z.number().int().min(4).max(512).optional(),
    depth: z.number().int().min(1).max(6).optional(),
    /** Left out: SMALL for images of up to 64 pixels. */
    stem: z.enum(STEMS).optional(),
  })
  .refine(({ name, width, depth }) => name === 'CONVNET' || (width ?? depth) === undefined, {
    error: 'only CONVNET has a width and a depth',
  })
  .refine(({ name, stem }) => name !== 'CONVNET' || stem === undefined, {
    error: 'CONVNET has no stem',
    path: ['stem'],
  })
  .transform(({ name, width = 16, depth = 3, stem }) =>
    name === 'CONVNET' ? { name, width, depth } : { name, ...(stem && { stem }) },
  );

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
  { architectureWeights }: Pick<z.infer<typeof synthesisConfig>, 'architectureWeights'>,
  { name }: Pick<z.infer<typeof architectureConfig>, 'name'>,
): number => architectureWeights.find((one) => one.name === name)?.weight ?? 1;

/** Networks of depthwise convolutions. */
export const LIGHT_ARCHITECTURES = [
  'MOBILENET_V2',
  'SHUFFLENET_V2_X0_5',
  'SHUFFLENET_V2_X1_0',
  'EFFICIENTNET_B0',
] as const;

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

export type ArchitectureConfig = z.infer<typeof architectureConfig>;
export type AugmentationConfig = z.infer<typeof augmentationConfig>;
export type PoolConfig = z.infer<typeof poolConfig>;
export type SynthesisConfig = z.infer<typeof synthesisConfig>;
export type LabelConfig = z.infer<typeof labelConfig>;
export type RunConfig = z.infer<typeof runConfig>;
export type RecipeConfig = z.infer<typeof recipeConfig>;
export type EvaluationConfig = z.infer<typeof evaluationConfig>;

/** Height, width and channels of an image, in pixels. */
export interface ImageShape {
  height: number;
  width: number;
  channels: number;
}

/** Of the samples of a set: f x f of them share the pixels of an image. */
export const cellShape = ({ height, width, channels }: ImageShape, formation: number): ImageShape => ({
  height: Math.floor(height / formation),
  width: Math.floor(width / formation),
  channels,
});
