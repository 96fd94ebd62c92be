/** Whatever a user may ask of the main path, at a size that takes a second: all options of the schemas, drawn at will. */
import fc from 'fast-check';
import { LABEL_KINDS, recipeConfig } from '../../src/domain/config/evaluation.js';
import { poolConfig } from '../../src/domain/config/pool.js';
import { runConfig } from '../../src/domain/config/run.js';

const share = fc.constantFrom(0, 0.08, 0.3, 1);
const weight = fc.constantFrom(0, 0.1, 1);
const positive = (max: number) => fc.integer({ min: 1, max });
const architecture = fc.record({ width: fc.constantFrom(4, 5), depth: positive(2) });
const augmentation = fc.record({ flip: fc.boolean(), shift: fc.constantFrom(0, 1, 5) });

/** Odd, oblong, grey and coloured ones among them. */
const shape = fc.record({
  height: fc.integer({ min: 8, max: 13 }),
  width: fc.integer({ min: 8, max: 13 }),
  channels: fc.constantFrom(1, 3),
});

const pool = fc
  .record({
    architecture,
    otherArchitectures: fc.array(architecture, { maxLength: 1 }),
    epochs: fc.constantFrom(0.5, 1, 1.3),
    batchSize: fc.constantFrom(3, 16, 100),
    otherBatchSizes: fc.array(fc.constantFrom(8), { maxLength: 1 }),
    learningRate: fc.constant(0.05),
    schedule: fc.constantFrom('COSINE' as const, 'ONE_CYCLE' as const),
    augmentation,
    fullyTrained: fc.boolean(),
    prunedRatios: fc.array(fc.constantFrom(0.3, 0.8), { maxLength: 1 }),
    randomInitTeachers: fc.integer({ min: 0, max: 1 }),
  })
  .map((options) => poolConfig.parse(options));

const synthesis = fc.record({
  imagesPerClass: positive(3),
  formation: fc.constantFrom(1 as const, 2 as const, 3 as const),
  steps: positive(8),
  learningRate: fc.constantFrom(0.01, 0.1),
  imagesPerClassPerTask: positive(3),
  classesPerTask: fc.integer({ min: 0, max: 2 }),
  init: fc.constantFrom('RANDOM_REAL' as const, 'REAL_CROPS' as const, 'NOISE' as const),
  teachersPerStep: fc.constantFrom(1, 3, 16),
  teacherOrder: fc.constantFrom('ROUND_ROBIN' as const, 'RANDOM' as const),
  crossEntropyWeight: weight,
  momentsWeight: weight,
  firstLayerWeight: weight,
  classMeanWeight: weight,
  momentsMemory: fc.constantFrom(0, 0.8),
  augmentation,
  cropScaleMin: share,
  checkpointEvery: positive(5),
});

const labels = fc.record({
  staticViews: positive(2),
  fkdSteps: fc.constantFrom(1, 9, 101),
  fkdBatchSize: fc.constantFrom(1, 7, 30),
  cropScaleMin: share,
  flip: fc.boolean(),
  mix: fc.constantFrom('NONE' as const, 'CUTMIX' as const, 'MIXUP' as const),
  ensembleSize: positive(4),
  weighting: fc.constantFrom('PLAIN' as const, 'NORM_BALANCED' as const, 'ACCURACY' as const),
  topK: fc.integer({ min: 0, max: 4 }),
  keptShare: fc.constantFrom(0.3, 1),
});

const recipe = fc.record({
  architecture,
  steps: positive(12),
  optimizer: fc.constantFrom('ADAMW' as const, 'SGD' as const),
  learningRate: fc.constant(0.01),
  schedule: fc.constantFrom('COSINE' as const, 'HALF_COSINE' as const, 'CONSTANT' as const),
  loss: fc.constantFrom('KL' as const, 'MSE_CE' as const),
  temperature: fc.constantFrom(1, 4),
  scaleByTemperatureSquared: fc.boolean(),
  averageDecay: fc.constantFrom(0, 0.9),
  accuracyReadings: positive(4),
  checkpointEvery: positive(5),
});

export const anyOptions = fc
  .record({
    shape,
    pool,
    run: fc.record({ synthesis, labels }).map((options) => runConfig.parse(options)),
    recipe,
    labelKinds: fc.shuffledSubarray([...LABEL_KINDS], { minLength: 1 }),
    rounds: positive(3),
    seed: fc.nat(),
    /** Which of a job's checkpoints it is resumed from. */
    resumed: fc.nat(),
  })
  .map(({ run, recipe: trained, rounds, ...others }) => {
    const { imagesPerClass, imagesPerClassPerTask } = run.synthesis;
    const most = imagesPerClass % imagesPerClassPerTask || imagesPerClassPerTask;
    // What the service refuses: rounds beyond a task's images, squared errors of logits that are not stored.
    const topK = trained.loss === 'MSE_CE' ? 0 : run.labels.topK;
    return {
      ...others,
      run: {
        ...run,
        synthesis: { ...run.synthesis, rounds: Math.min(rounds, imagesPerClass, most) },
        labels: { ...run.labels, topK },
      },
      recipe: recipeConfig.parse({ ...trained, batchSize: run.labels.fkdBatchSize }),
    };
  });
