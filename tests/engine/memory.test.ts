import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { architectureConfig } from '../../src/domain/config/architecture.js';
import { recipeConfig } from '../../src/domain/config/evaluation.js';
import { poolConfig } from '../../src/domain/config/pool.js';
import type { SynthesisConfig } from '../../src/domain/config/run.js';
import { explainTensorflow } from '../../workers/explain-tensorflow.js';
import { buildNetwork } from '../../workers/nn/architectures/index.js';
import { freeze } from '../../workers/nn/frozen.js';
import { cosine, sgd } from '../../workers/nn/optimizers.js';
import { initialize } from '../../workers/nn/parameters.js';
import type { LabelledImages } from '../../workers/nn/training.js';
import { drawViews } from '../../workers/nn/views.js';
import { indicesByClass, readImages } from '../../workers/teddy/dataset.js';
import { labelStep } from '../../workers/teddy/labels.js';
import { batchLabels, type Target, targetOf } from '../../workers/teddy/matching.js';
import { poolStep, randomTeacher } from '../../workers/teddy/pool.js';
import { measureStatistics } from '../../workers/teddy/statistics.js';
import { createStudent, studentStep } from '../../workers/teddy/students.js';
import {
  initialImages,
  initialPositions,
  labelsOf,
  synthesisOptimizer,
  synthesisStep,
} from '../../workers/teddy/synthesis.js';
import { tf } from '../../workers/tensor/tensorflow.js';
import { failureWith } from '../support/failure.js';
import { recordedContext } from '../support/recorded-context.js';
import { type TinyWorld, tinyImages, tinyTeacher, tinyWorld } from '../support/tiny-engine.js';
import { evaluationPayload, poolPayload, synthesisPayload } from '../support/tiny-jobs.js';

const shape = { height: 8, width: 8, channels: 1 };
const quiet = { breathe: async () => {}, progress: () => {} };

/** The first steps may create what lasts, such as an optimizer's slots; no later step may leave a tensor behind. */
async function assertFlat(step: (step: number) => unknown): Promise<void> {
  for (let i = 0; i < 2; i++) await step(i);
  const before = tf.memory();
  for (let i = 2; i < 8; i++) {
    await step(i);
    const now = tf.memory();
    assert.deepEqual([now.numTensors, now.numBytes], [before.numTensors, before.numBytes], `after step ${i}`);
  }
}

describe('the memory of TensorFlow stays the same', () => {
  const { frozen } = tinyTeacher(shape, 3, 2, 1);
  const { network } = frozen;
  let world: TinyWorld;
  let train: LabelledImages;

  before(async () => {
    world = await tinyWorld(shape);
    train = await readImages(recordedContext(world.store), world.dataset, world.dataset.train);
  });
  after(() => world.close());

  /** Two images of every class, from the first of these. */
  const stepsOfSynthesis = (config: SynthesisConfig, images: LabelledImages, pool: readonly Target[]) => {
    const { height, width, channels } = images;
    const place = { seed: 1, taskIndex: 0, classes: [0, 1, 2], firstImage: 0, imagesPerClass: 2 };
    const task = { config, shape: { height, width, channels }, ...place };
    const drawn = indicesByClass(images.labels, world.dataset.classNames, 2);
    const state = {
      images: { images: initialImages(task, images, initialPositions(task, drawn)) },
      memory: {},
      optimizer: synthesisOptimizer(),
    };
    const labels = batchLabels(labelsOf(task), 3);
    return (step: number) => synthesisStep(task, state, pool, labels, world.dataset, step);
  };

  it('over steps of a pool', async () => {
    const { config } = poolPayload(world);
    const model = { network, parameters: initialize(network, 1) };
    const optimizer = sgd(config);
    await assertFlat((step) =>
      poolStep(model, optimizer, train, world.dataset, config, {
        batchSize: config.batchSize,
        seed: 1,
        step,
        rate: cosine(config.learningRate, step, 20),
      }),
    );
  });

  it('over untrained teachers that are made and given back', async () => {
    const architecture = architectureConfig.parse({ width: 4, depth: 2 });
    await assertFlat((index) =>
      tf.dispose(randomTeacher(network, architecture, train, world.dataset, { seed: 1, index })),
    );
  });

  it('over passes that measure statistics', async () => {
    await assertFlat(() => measureStatistics(frozen, train, world.dataset, quiet));
  });

  it('over steps of a synthesis, with several teachers a step', async () => {
    const statistics = await measureStatistics(frozen, train, world.dataset, quiet);
    const payload = synthesisPayload(world, [], { teachersPerStep: 2, teacherOrder: 'RANDOM', momentsMemory: 0.8 });
    const pool = [targetOf(frozen, statistics), targetOf(tinyTeacher(shape, 3, 2, 2).frozen, statistics)];
    await assertFlat(stepsOfSynthesis(payload.config, train, pool));
  });

  // Between them: depthwise kernels, squeeze and excitation, channels in turns and side by side, residual sums.
  for (const name of ['EFFICIENTNET_B0', 'SHUFFLENET_V2_X0_5', 'DENSENET121', 'RESNET18'] as const) {
    it(`over steps of a synthesis and of training, of ${name}`, async () => {
      const size = { height: 16, width: 16, channels: 1 };
      const deep = buildNetwork(architectureConfig.parse({ name }), size, 3);
      const images = tinyImages(size, 12, 3, 1);
      const parameters = initialize(deep, 1);
      const config = poolConfig.parse({ batchSize: 6 });
      const optimizer = sgd(config);
      const train = (step: number) => {
        const position = { batchSize: config.batchSize, seed: 1, step, rate: 1e-3 };
        poolStep({ network: deep, parameters }, optimizer, images, world.dataset, config, position);
      };
      await assertFlat(train);
      const teacher = freeze(deep, parameters);
      const pool = [targetOf(teacher, await measureStatistics(teacher, images, world.dataset, quiet))];
      const { config: synthesis } = synthesisPayload(world, [], { momentsMemory: 0.8, rounds: 2 });
      await assertFlat(stepsOfSynthesis(synthesis, images, pool));
    });
  }

  it('over labelled views and steps of a student, with either optimizer', async () => {
    const { labelConfig } = evaluationPayload(world, []);
    const ensemble = [80, 90].map((accuracy) => ({ frozen, accuracy }));
    const place = { seed: 1, samples: train.labels.length, batchSize: labelConfig.fkdBatchSize };
    for (const optimizer of ['ADAMW', 'SGD'] as const) {
      const averaged = { averageDecay: 0.9, loss: 'MSE_CE', schedule: 'HALF_COSINE', learningRate: 0.01 } as const;
      const recipe = recipeConfig.parse({ optimizer, steps: 20, ...(optimizer === 'SGD' && averaged) });
      const weighting = optimizer === 'SGD' ? 'NORM_BALANCED' : 'ACCURACY';
      const labeller = { ensemble, weighting, shape, normalization: world.dataset } as const;
      const student = createStudent(network, recipe, 1);
      await assertFlat((step) => {
        const views = labelStep(labeller, train, train.labels.length, labelConfig, 1, step);
        studentStep(student, train, { kind: 'SOFT', views }, world.dataset, recipe, step);
        const hard = drawViews(labelConfig, shape, { ...place, step });
        studentStep(student, train, { kind: 'HARD', views: hard }, world.dataset, recipe, step);
      });
    }
  });
});

describe('a device without memory for a tensor', () => {
  it('is told as what it is, and not as a fault of the service', () => {
    // More than a process can address, or a system that promises more than it has would let it begin.
    const pebibyte = () => tf.tidy(() => tf.broadcastTo(tf.ones([1, 1]), [2 ** 24, 2 ** 24]));
    assert.throws(
      () => {
        try {
          pebibyte();
        } catch (error) {
          throw explainTensorflow(error);
        }
      },
      failureWith('OUT_OF_MEMORY', 'smaller batches'),
    );
    assert.equal(explainTensorflow('else'), 'else');
  });
});
