/** The pool of weak teachers: what its training is made of, and its steps. */
import { activationBytes } from '../../src/domain/architectures.js';
import type { ArchitectureConfig } from '../../src/domain/config/architecture.js';
import { type PoolConfig, trainsBase } from '../../src/domain/config/pool.js';
import type { TeacherRef } from '../../src/domain/jobs/references.js';
import { random } from '../../src/domain/random.js';
import type { Network } from '../nn/network.js';
import { cosine, type Optimizer, oneCycle } from '../nn/optimizers.js';
import { initialize, type Parameters } from '../nn/parameters.js';
import { adoptMoments, crossEntropy, type LabelledImages, type Normalization, trainingStep } from '../nn/training.js';
import { augmentationBoxes, gatherImages, normalize, shuffledIndices } from '../nn/views.js';
import { crop } from '../tensor/kernels/index.js';
import { tf } from '../tensor/tensorflow.js';

interface PhaseOf<Kind extends string> {
  readonly kind: Kind;
  readonly architecture: ArchitectureConfig;
}

interface Training {
  readonly seed: number;
  readonly batchSize: number;
  readonly steps: number;
  readonly rateAt: (step: number) => number;
  /** After which steps of the phase the network is kept, ascending, and as what. */
  readonly kept: readonly ({ readonly step: number } & Pick<TeacherRef, 'kind' | 'epoch'>)[];
}

/** A base run, or the fine-tuning of what pruning leaves of the last base run. */
export type TrainingPhase = Training & (PhaseOf<'BASE'> | (PhaseOf<'PRUNED'> & { readonly ratio: number }));

export type Phase =
  | (PhaseOf<'IMPORTED'> & PoolConfig['imports'][number] & { readonly index: number })
  | TrainingPhase
  | (PhaseOf<'RANDOM_INIT'> & { readonly seed: number; readonly index: number });

/** The share of the base run's rate that a fine-tuning begins with. */
const FINE_TUNE_SHARE = 0.1;

interface BaseRun {
  readonly architecture: ArchitectureConfig;
  readonly batchSize: number;
}

const baseRuns = ({ architecture, otherArchitectures, batchSize, otherBatchSizes }: PoolConfig): BaseRun[] => [
  ...[architecture, ...otherArchitectures].map((one) => ({ architecture: one, batchSize })),
  ...otherBatchSizes.map((size) => ({ architecture, batchSize: size })),
];

/** What the training does, one phase after another. */
export function planPool(config: PoolConfig, seed: number, images: number): Phase[] {
  const { epochs, checkpointEpochs, fullyTrained } = config;
  const schedule = config.schedule === 'COSINE' ? cosine : oneCycle;

  const phasesOf = ({ architecture, batchSize }: BaseRun, position: number): Phase[] => {
    // The first base run has the pool's own seed, whatever others follow.
    const own = position === 0 ? seed : seedOf(seed, 'pool/architecture', position);
    const stepsOf = (epoch: number) => Math.max(1, Math.round((epoch * images) / batchSize));
    const [steps, fineTuneSteps] = [stepsOf(epochs), stepsOf(config.fineTuneEpochs)];
    // Noise of SGD goes with the rate over the batch size (Goyal et al., 2017), so equal ratios make runs alike.
    const learningRate = (config.learningRate * batchSize) / config.batchSize;
    const kept = [...new Set([...checkpointEpochs, ...(fullyTrained ? [epochs] : [])])]
      .sort((a, b) => a - b)
      .map((epoch) => {
        const kind = fullyTrained && epoch === epochs ? ('FULLY_TRAINED' as const) : ('EARLY_EPOCH' as const);
        return { step: stepsOf(epoch), kind, epoch };
      })
      // Of a small dataset several epochs are one step, and would be one teacher twice.
      .filter(({ step }, index, all) => all[index + 1]?.step !== step);
    const end = config.prunedRatios.length > 0 ? steps : (kept.at(-1)?.step ?? steps);
    const rateAt = (step: number) => schedule(learningRate, step, steps);
    const base = { kind: 'BASE', architecture, seed: own, batchSize, steps: end, rateAt, kept } as const;
    return [
      ...(trainsBase(config) ? [base] : []),
      ...config.prunedRatios.map((ratio, index) => ({
        kind: 'PRUNED' as const,
        architecture,
        ratio,
        seed: seedOf(own, 'pool/pruned', index),
        batchSize,
        steps: fineTuneSteps,
        rateAt: (step: number) => cosine(FINE_TUNE_SHARE * learningRate, step, fineTuneSteps),
        kept: [{ step: fineTuneSteps, kind: 'PRUNED' as const, epoch: null }],
      })),
      ...Array.from({ length: config.randomInitTeachers }, (_, index) => {
        return { kind: 'RANDOM_INIT' as const, architecture, seed: own, index };
      }),
    ];
  };
  return [
    // Wrong files are found before hours of training, not after them.
    ...config.imports.map((one, index) => ({ kind: 'IMPORTED' as const, index, ...one })),
    ...baseRuns(config).flatMap(phasesOf),
  ];
}

const seedOf = (seed: number, purpose: string, position: number): number =>
  random(seed, purpose, position).integer(2 ** 31);

/** Step `step` (from 0) of a phase: a function of the state, the seed and the step alone. Returns the loss. Throws NUMERICS. */
export function poolStep(
  model: { network: Network; parameters: Parameters },
  optimizer: Optimizer,
  train: LabelledImages,
  normalization: Normalization,
  { augmentation }: PoolConfig,
  { seed, batchSize, step, rate }: { seed: number; batchSize: number; step: number; rate: number },
): number {
  const indices = shuffledIndices(seed, 'pool/order', train.labels.length, step * batchSize, batchSize);
  const labels = indices.map((i) => train.labels[i] as number);
  const boxes = augmentationBoxes(augmentation, 1, model.network.shape, batchSize, random(seed, 'pool/augment', step));
  const images = tf.tidy(() => normalize(crop(gatherImages(train, indices), boxes), normalization));
  const loss = trainingStep(model, optimizer, images, (logits) => crossEntropy(logits, labels), {
    rate,
    step: step + 1,
  });
  images.dispose();
  return loss;
}

/** How many real images set the batch norms of a random-initialised teacher, in one pass: fewer where they are large. */
const MOMENT_IMAGES = 1000;
const MOMENT_PIXELS = 2 ** 22;
/**
 * 4 GiB, as a pass without gradients holds about a thirtieth of what one with them keeps. Of a ConvNet, whose first layer
 * is the most of it, a quarter.
 */
const momentBytes = ({ name }: ArchitectureConfig): number => (name === 'CONVNET' ? 16 : 120) * 2 ** 30;

/** Untrained teacher number `index`: seeded weights, and running moments taken from real images. */
export function randomTeacher(
  network: Network,
  architecture: ArchitectureConfig,
  train: LabelledImages,
  normalization: Normalization,
  { seed, index }: { readonly seed: number; readonly index: number },
): Parameters {
  const parameters = initialize(network, random(seed, 'random-init', index).integer(2 ** 31));
  const byPixels = Math.max(1, Math.floor(MOMENT_PIXELS / (train.height * train.width)));
  const byMemory = Math.max(1, Math.floor(momentBytes(architecture) / activationBytes(architecture, network.shape)));
  const count = Math.min(MOMENT_IMAGES, byPixels, byMemory, train.labels.length);
  const chosen = shuffledIndices(seed, `random-init/${index}`, train.labels.length, 0, count);
  const images = tf.tidy(() => normalize(gatherImages(train, chosen), normalization));
  adoptMoments(network, parameters, images);
  images.dispose();
  return parameters;
}
