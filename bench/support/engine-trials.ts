/** The sweeps of bench/engine-sweep.ts: a base of options, and trials that differ from it. */
import type { z } from 'zod';
import type { recipeConfig } from '../../src/domain/config/evaluation.js';
import type { poolConfig } from '../../src/domain/config/pool.js';
import type { labelConfig, synthesisConfig } from '../../src/domain/config/run.js';
import { cells, DEVIATION, deep, grey, greySingle, SUITES, type Suite, sre2lOf, weights } from './suites.js';

/** What differs from the defaults of src/domain/config/. */
export interface Options {
  readonly pool?: z.input<typeof poolConfig>;
  readonly synthesis?: z.input<typeof synthesisConfig>;
  readonly labels?: z.input<typeof labelConfig>;
  readonly recipe?: z.input<typeof recipeConfig>;
}

export interface Trial extends Options {
  readonly name: string;
  /** Positions of the teachers to match; all of them where it is left out. */
  readonly only?: readonly number[];
  /** Pairs of a set and its baseline: seeds 0 to `pairs` - 1. 4 where it is left out. */
  readonly pairs?: number;
}

export interface Sweep extends Pick<Suite, 'data' | 'source'> {
  /** What all trials share; a trial's own options go before it. */
  readonly base: Options;
  readonly trials: readonly Trial[];
}

/** One step of next to nothing leaves the initial images as they are. */
const untouched = { steps: 1, learningRate: 1e-9 };
/** Synthesis and views with the same crops. */
const crops = (cropScaleMin: number) => ({ synthesis: { cropScaleMin }, labels: { cropScaleMin } });
const studentSteps = (steps: number) => ({ labels: { fkdSteps: steps }, recipe: { steps } });

const DEFAULTS: readonly Trial[] = [
  { name: 'default', pairs: 8 },
  { name: 'real images, untouched', pairs: 8, synthesis: untouched },
  { name: '300 student steps', ...studentSteps(300) },
  { name: '900 student steps', ...studentSteps(900) },
  { name: 'crops of 8 %', ...crops(0.08) },
  { name: 'crops of 80 %', ...crops(0.8) },
  ...[10, 20, 40].map((times) => ({ name: `${times} times fewer labels`, labels: { keptShare: 1 / times } })),
  { name: '3 logits of 10', labels: { topK: 3 } },
  { name: 'no crops in synthesis', synthesis: { cropScaleMin: 1 } },
  { name: 'no cross-entropy', synthesis: { crossEntropyWeight: 0 } },
  { name: 'no moments', synthesis: { momentsWeight: 0 } },
  { name: 'no class means', synthesis: { classMeanWeight: 0 } },
  { name: 'moments 1, class means .1', synthesis: weights },
  { name: 'moments remembered by .8', synthesis: { momentsMemory: 0.8 } },
  { name: 'moments 1, class means .1, moments remembered by .8', synthesis: { ...weights, momentsMemory: 0.8 } },
  { name: 'only the last teacher', only: [2] },
  { name: 'formation 2, rate .05', synthesis: { formation: 2, learningRate: 0.05 } },
  { name: 'formation 2, untouched', synthesis: { formation: 2, ...untouched } },
];

/** A second base run of the same options from another seed, and an untrained teacher of it: twice the pool's cost. */
const twoRuns = { otherBatchSizes: [128] };
/** Base runs of a quarter and four times the batches beside the first one. */
const mixedBatches = { otherBatchSizes: [32, 512], randomInitTeachers: 0 };

/** Of a width that lets a trial end in two minutes on two cores. */
const narrow = { name: 'CONVNET', width: 16, depth: 3 } as const;
/** All rows of a sweep share it, so it stays whatever the suites take. */
const pool = { architecture: narrow, epochs: 8, checkpointEpochs: [0.5, 1, 2, 4, 8], learningRate: 0.03 };

/** Every option of synthesis on its own. */
const ABLATIONS: readonly Trial[] = [
  { name: 'base' },
  { name: 'untouched', synthesis: untouched },
  { name: 'no cross-entropy', synthesis: { crossEntropyWeight: 0 } },
  { name: 'no moments', synthesis: { momentsWeight: 0 } },
  { name: 'no class means', synthesis: { classMeanWeight: 0 } },
  { name: 'moments .1, class means 1', synthesis: { momentsWeight: 0.1, classMeanWeight: 1 } },
  { name: 'moments 3', synthesis: { momentsWeight: 3 } },
  { name: 'class means 1', synthesis: { classMeanWeight: 1 } },
  { name: 'moments remembered by .8', synthesis: { momentsMemory: 0.8 } },
  { name: 'no crops', synthesis: { cropScaleMin: 1 } },
  { name: 'from real crops', synthesis: { init: 'REAL_CROPS' } },
  { name: 'from noise', synthesis: { init: 'NOISE' } },
  { name: '3 teachers a step', synthesis: { teachersPerStep: 3 } },
  { name: 'teachers at random', synthesis: { teacherOrder: 'RANDOM' } },
  { name: 'only the last teacher', only: [4] },
  { name: 'without the untrained teacher', only: [0, 1, 2, 3, 4] },
  { name: 'the first three teachers', only: [0, 1, 2] },
  { name: 'rate .02', synthesis: { learningRate: 0.02 } },
  { name: 'rate .1', synthesis: { learningRate: 0.1 } },
  { name: '100 steps', synthesis: { steps: 100 } },
  { name: '1000 steps', synthesis: { steps: 1000 } },
];
/** Of sets with several images of a class. */
const fiveRounds: Trial = { name: '5 rounds', synthesis: { rounds: 5 } };
const pruned = { prunedRatios: [0.3, 0.5] };
const long = { epochs: 24, checkpointEpochs: [0.5, 1, 2, 4, 8, 24], fullyTrained: true };
const labelledBy3: Trial = { name: 'labels of 3 teachers', labels: { ensembleSize: 3 } };
/** The large stem, or its pool takes hours. */
const mixed = { otherArchitectures: [{ name: 'SHUFFLENET_V2_X0_5' as const, stem: 'LARGE' as const }] };
const lighter = { architectureWeights: [{ name: 'SHUFFLENET_V2_X0_5' as const, weight: 0.2 }] };
const named = (...names: readonly string[]) => ABLATIONS.filter(({ name }) => names.includes(name));

const ofClass = (imagesPerClass: number) => ({ imagesPerClass, imagesPerClassPerTask: imagesPerClass });

/** Of no use at 1 image a class, or too long for more. */
const LEFT_OUT = [
  'no crops',
  'from noise',
  'without the untrained teacher',
  '100 steps',
  '3 teachers a step',
  'teachers at random',
  '1000 steps',
];

/** A trial of more images takes longer. */
const PAIRS: Record<number, number> = { 10: 3, 50: 5 };

const cifar10 = (imagesPerClass: number, synthesis: Options['synthesis'], trials: readonly Trial[]): Sweep => ({
  ...(SUITES.cifar10 as Suite),
  base: {
    pool,
    synthesis: { ...ofClass(imagesPerClass), ...weights, ...synthesis },
    labels: { fkdSteps: 500 },
    recipe: { architecture: narrow, steps: 500 },
  },
  trials: trials.map((trial) => ({ pairs: PAIRS[imagesPerClass] ?? 4, ...trial })),
});

const narrowWinner = { ...weights, momentsMemory: 0.8 };
/** At the width and with the pool of a suite, where a pair takes a quarter of an hour: one pair a trial. */
const wide = (
  suite: string,
  base: Required<Pick<Options, 'synthesis' | 'labels' | 'recipe'>>,
  trials: readonly Trial[],
): Sweep => {
  const { pool, ...images } = SUITES[suite] as Suite;
  return {
    ...images,
    base: {
      pool,
      synthesis: base.synthesis,
      labels: { fkdSteps: 1000, ...base.labels },
      recipe: { architecture: { name: 'CONVNET', width: 128, depth: 3 }, steps: 1000, ...base.recipe },
    },
    trials: trials.map((trial) => ({ pairs: 1, ...trial })),
  };
};

/** What gained a little each in the narrow sweeps, together. */
const together = { learningRate: 0.1, steps: 800, momentsMemory: 0.8 } as const;

/** What of the narrow sweeps holds at width 128, and what the student's recipe is worth. */
const WIDE: readonly Trial[] = [
  { name: 'base' },
  { name: 'temperature 2', recipe: { temperature: 2 } },
  { name: 'temperature 2, weights of width 16', recipe: { temperature: 2 }, synthesis: narrowWinner },
  {
    name: 'temperature 2, weights of width 16, labels of 3 teachers',
    recipe: { temperature: 2 },
    synthesis: narrowWinner,
    labels: { ensembleSize: 3 },
  },
  // Wins at width 16, under the weights of it.
  { name: 'no cross-entropy', synthesis: { crossEntropyWeight: 0 } },
  { name: 'no cross-entropy, weights of width 16', synthesis: { crossEntropyWeight: 0, ...weights } },
  { name: '800 steps', synthesis: { steps: 800 } },
  { name: 'moments .03', synthesis: { momentsWeight: 0.03 } },
  { name: 'class means .1', synthesis: { classMeanWeight: 0.1 } },
  { name: 'moments remembered by .8', synthesis: { momentsMemory: 0.8 } },
  // One pair gained a point by it, and five nothing.
  { name: 'from real crops', pairs: 5, synthesis: { init: 'REAL_CROPS' as const } },
  { name: 'rate .1', synthesis: { learningRate: 0.1 } },
  { name: 'two base runs', pool: twoRuns },
  { name: 'rate .1, 800 steps, moments remembered by .8', synthesis: together },
  {
    name: 'rate .1, 800 steps, moments remembered by .8, from real crops',
    synthesis: { ...together, init: 'REAL_CROPS' as const },
  },
  { name: "student's rate .003", recipe: { learningRate: 0.003 } },
  { name: "student's rate .005", recipe: { learningRate: 0.005 } },
  { name: 'squared error of logits', recipe: { loss: 'MSE_CE' } },
  { name: "student's weights averaged by .98", recipe: { averageDecay: 0.98 } },
  { name: 'crops of 15 %', ...crops(0.15) },
  { name: 'crops of 50 %', ...crops(0.5) },
];

/** Whole images or cells at 28 pixels in grey, where whole images win at width 16; the student's rate. */
const wholeOrCells = (four: z.input<typeof synthesisConfig>): readonly Trial[] => [
  { name: 'base' },
  { name: 'four cells an image', synthesis: four },
  { name: "student's rate .01", recipe: { learningRate: 0.01 } },
];

const longer = { steps: 300, learningRate: 0.05 };
/** Heavy, remembered moments: they win at one grey image a class and lose at ten. */
const heavy = { ...longer, ...narrowWinner, momentsWeight: 5 };
const HEAVY_GREY: readonly Trial[] = [
  { name: 'rate .05, 300 steps, weights of width 16', synthesis: { ...longer, ...narrowWinner } },
  { name: 'rate .05, 300 steps, weights of width 16 but moments 5', synthesis: heavy },
];
const SINGLE_GREY: readonly Trial[] = [
  { name: 'rate .05, 300 steps', synthesis: longer },
  ...HEAVY_GREY,
  {
    name: 'rate .05, 300 steps, weights of width 16 but moments 20',
    synthesis: { ...heavy, momentsWeight: 20 },
  },
  { name: 'rate .05, 1000 steps, weights of width 16 but moments 5', synthesis: { ...heavy, steps: 1000 } },
  {
    name: 'rate .05, 300 steps, weights of width 16, no cross-entropy',
    synthesis: { ...longer, ...narrowWinner, crossEntropyWeight: 0 },
  },
  { name: 'rate .005', synthesis: { learningRate: 0.005 } },
  { name: 'labels of the best teacher, temperature 4', labels: { ensembleSize: 1 }, recipe: { temperature: 4 } },
  { name: 'crops of 8 %', ...crops(0.08) },
];

/**
 * SRe2L against the best teacher, under its published weight of the moments and heavier ones: that weight is for 20 norms of
 * ResNet-18, and a ConvNet-3 has three.
 */
const sre2lTrials = (best: number, deviation: number): readonly Trial[] => [
  ...['.01', '.1', '1'].map((weight) => ({
    name: `SRe2L, moments ${weight}`,
    only: [best],
    synthesis: { ...sre2lOf(deviation), momentsWeight: Number(weight) },
  })),
  // Its script for CIFAR has no crops in synthesis; its students there see none either, and ours do.
  {
    name: 'SRe2L, moments .1, crops of 30 %',
    only: [best],
    synthesis: { ...sre2lOf(deviation), momentsWeight: 0.1, cropScaleMin: 0.3 },
  },
];

/** A third of the cells' steps at twice their rate. */
const deepCells = { ...cells, ...deep.teddy, steps: 100, learningRate: 0.1 };

/** Of ResNet-18 at 64 pixels, where a pair takes a quarter of an hour: whole images or cells, and how much of a gain synthesis is. */
const TINY_TRIALS: readonly Trial[] = [
  { name: 'base' },
  { name: 'untouched', synthesis: untouched },
  { name: 'four cells an image, rate .1, 100 steps', synthesis: deepCells },
  { name: 'moments .1', synthesis: { momentsWeight: 0.1 } },
  { name: 'crops of 50 %', ...crops(0.5) },
];
const tiny = SUITES['tiny-imagenet-20'] as Suite;
const TINY: Sweep = {
  ...tiny,
  base: {
    pool: tiny.pool,
    synthesis: { ...ofClass(10), ...deep.teddy },
    labels: { fkdSteps: 500, fkdBatchSize: deep.recipe.batchSize },
    recipe: { architecture: { name: 'RESNET18', stem: 'LARGE' }, steps: 500, ...deep.recipe },
  },
  trials: TINY_TRIALS.map((trial) => ({ pairs: 1, ...trial })),
};

export const SWEEPS: Record<string, Sweep> = {
  'fashion-mnist': { ...(SUITES['fashion-mnist'] as Suite), base: {}, trials: DEFAULTS },
  'cifar10-ipc1': cifar10(1, cells, [
    ...ABLATIONS,
    { name: 'formation 1', synthesis: { formation: 1 } },
    { name: 'formation 3', synthesis: { formation: 3 } },
    labelledBy3,
  ]),
  'cifar10-ipc10': cifar10(10, cells, [
    ...ABLATIONS.filter(({ name }) => !LEFT_OUT.includes(name)),
    fiveRounds,
    { name: 'formation 1, rate .02', synthesis: { formation: 1, learningRate: 0.02 } },
    { name: 'with two pruned teachers', pool: pruned },
    { name: 'pruned teachers alone', pool: pruned, only: [5, 6] },
    { name: 'the untrained teacher alone', only: [5] },
    { name: 'a base run of 24 epochs', pool: long },
    { name: 'its end alone', pool: long, only: [5] },
    { name: 'base runs of batches of 128, 32 and 512', pool: mixedBatches },
    { name: 'a pool of two networks', pool: mixed },
    { name: 'a pool of two networks, the deeper of weight .2', pool: mixed, synthesis: lighter },
    labelledBy3,
    { name: 'temperature 1', recipe: { temperature: 1 } },
    { name: 'temperature 4', recipe: { temperature: 4 } },
    { name: 'labels of 3 teachers, temperature 4', labels: { ensembleSize: 3 }, recipe: { temperature: 4 } },
    { name: 'labels of 5 teachers, by accuracy', labels: { ensembleSize: 5, weighting: 'ACCURACY' } },
    { name: 'labels of 3 teachers, at equal norms', labels: { ensembleSize: 3, weighting: 'NORM_BALANCED' } },
    { name: 'views mixed by MixUp', labels: { mix: 'MIXUP' } },
    { name: 'views not mixed', labels: { mix: 'NONE' } },
    { name: 'squared error of logits', recipe: { loss: 'MSE_CE' } },
    { name: 'first layer 1', synthesis: { firstLayerWeight: 1 } },
    { name: 'first layer 10', synthesis: { firstLayerWeight: 10 } },
    { name: 'a base run of one cycle', pool: { schedule: 'ONE_CYCLE' } },
  ]),
  'cifar10-ipc10-wide': wide(
    'cifar10',
    { synthesis: { ...ofClass(10), ...cells }, labels: {}, recipe: { learningRate: 0.01, temperature: 4 } },
    [...WIDE, ...sre2lTrials(4, DEVIATION.cifar10)],
  ),
  'fashion-mnist-ipc1-wide': wide('fashion-mnist', { synthesis: ofClass(1), ...greySingle }, [
    ...wholeOrCells({ ...cells, ...narrowWinner }),
    ...SINGLE_GREY,
  ]),
  'fashion-mnist-ipc10-wide': wide('fashion-mnist', { synthesis: ofClass(10), labels: {}, ...grey }, [
    ...wholeOrCells(cells),
    ...HEAVY_GREY,
    { name: 'moments remembered by .8', synthesis: { momentsMemory: 0.8 } },
    { name: 'moments .03', synthesis: { momentsWeight: 0.03 } },
    { name: 'rate .01', synthesis: { learningRate: 0.01 } },
    ...sre2lTrials(3, DEVIATION.greyClothes),
  ]),
  'tiny-imagenet-20-ipc10': TINY,
  'cifar10-ipc50': cifar10(50, {}, [
    ...named('base', 'untouched', 'no class means', 'moments .1, class means 1'),
    { name: 'rate .01', synthesis: { learningRate: 0.01 } },
    { name: 'rate .05', synthesis: { learningRate: 0.05 } },
    { name: 'formation 2, 300 steps, rate .05', synthesis: cells },
    ...named('moments remembered by .8'),
    fiveRounds,
    { name: '10 rounds', synthesis: { rounds: 10 } },
    { name: '25 rounds', synthesis: { rounds: 25 } },
    { name: '5 rounds, labels of 3 teachers', synthesis: { rounds: 5 }, labels: { ensembleSize: 3 } },
    { name: '5 rounds, rate .05', synthesis: { rounds: 5, learningRate: 0.05 } },
    { name: '5 rounds, moments remembered by .8', synthesis: { rounds: 5, momentsMemory: 0.8 } },
  ]),
};
