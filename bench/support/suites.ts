/** The suites of `npm run bench -- quality`: a dataset, its pool, and rows of a size and a student each. */
import {
  type ArchitectureConfig,
  architectureConfig,
  type LabelConfig,
  labelConfig,
  type PoolConfig,
  poolConfig,
  type RecipeConfig,
  recipeConfig,
  type SynthesisConfig,
  synthesisConfig,
} from '../../src/domain/config.js';

export type Method = 'RANDOM_REAL' | 'TEDDY' | 'REAL_CROPS' | 'SRE2L';
export const METHODS: readonly Method[] = ['RANDOM_REAL', 'TEDDY', 'REAL_CROPS', 'SRE2L'];

export interface Row {
  readonly name: string;
  readonly imagesPerClass: number;
  /** Pairs that every method but SRE2L is measured on. */
  readonly pairs: number;
  readonly student: ArchitectureConfig;
  readonly teddy: SynthesisConfig;
  readonly labels: LabelConfig;
  readonly recipe: RecipeConfig;
}

export interface Suite {
  readonly source: 'FASHION_MNIST' | 'CIFAR10' | 'TINY_IMAGENET_20';
  readonly pool: PoolConfig;
  readonly rows: readonly Row[];
}

type Input<T extends { parse: (input: never) => unknown }> = Partial<Parameters<T['parse']>[0]>;

interface RowInput {
  readonly pairs: number;
  readonly studentSteps: number;
  readonly student?: ArchitectureConfig;
  readonly teddy?: Input<typeof synthesisConfig>;
  readonly labels?: Input<typeof labelConfig>;
  readonly recipe?: Input<typeof recipeConfig>;
}

const convnet = architectureConfig.parse({ name: 'CONVNET', width: 128, depth: 3 });

function row(imagesPerClass: number, input: RowInput): Row {
  const { pairs, studentSteps, student = convnet, teddy, labels, recipe } = input;
  const studentName = student === convnet ? '' : `, ${student.name}`;
  return {
    name: `IPC ${imagesPerClass}, ${studentSteps} steps${studentName}`,
    imagesPerClass,
    pairs,
    student,
    teddy: synthesisConfig.parse({ imagesPerClass, imagesPerClassPerTask: imagesPerClass, ...teddy }),
    labels: labelConfig.parse({ fkdSteps: studentSteps, ...labels }),
    recipe: recipeConfig.parse({ architecture: student, steps: studentSteps, ...recipe }),
  };
}

/** SRe2L's coefficients for CIFAR (Yin, Xing and Shen, 2023) on our step: moments .01, first layer 10, rate .25, 1,000 steps. */
export const sre2l = (teddy: SynthesisConfig): SynthesisConfig =>
  synthesisConfig.parse({
    ...teddy,
    formation: 1,
    init: 'NOISE',
    steps: 1000,
    learningRate: 0.25,
    momentsWeight: 0.01,
    firstLayerWeight: 10,
    classMeanWeight: 0,
    cropScaleMin: 1,
  });

export const SUITES: Record<string, Suite> = {
  'fashion-mnist': {
    source: 'FASHION_MNIST',
    pool: poolConfig.parse({ architecture: convnet, epochs: 8, checkpointEpochs: [0.1, 0.5, 2, 8] }),
    rows: [
      row(1, { pairs: 5, studentSteps: 1000 }),
      row(10, { pairs: 5, studentSteps: 1000 }),
      row(50, { pairs: 3, studentSteps: 1000 }),
    ],
  },
};
