/** What is no number ends a training with one line, though ReLU may make 0 of it before any loss shows it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { architectureConfig } from '../../src/domain/config/architecture.js';
import { putByDigest } from '../../src/platform/object-store/object-store.js';
import { computeStatistics } from '../../workers/jobs/statistics.js';
import { buildNetwork } from '../../workers/nn/architectures/index.js';
import { encodeParameters } from '../../workers/nn/checkpoint.js';
import { sgd } from '../../workers/nn/optimizers.js';
import { initialize, type Parameters } from '../../workers/nn/parameters.js';
import { crossEntropy, measureAccuracy, trainingStep } from '../../workers/nn/training.js';
import { networkOf } from '../../workers/teddy/dataset.js';
import { type Tensor, type Tensor4D, tf } from '../../workers/tensor/tensorflow.js';
import { failureWith } from '../support/failure.js';
import { tinyImages, tinyWorld } from '../support/tiny-engine.js';
import { keptContext } from '../support/tiny-jobs.js';

const shape = { height: 8, width: 8, channels: 1 };
// Wide enough for all kernels to go by whole vectors.
const network = buildNetwork(architectureConfig.parse({ width: 32, depth: 2 }), shape, 3);
const set = tinyImages(shape, 12, 3, 1);
const architecture = architectureConfig.parse({ width: 4, depth: 2 });
const normalization = { mean: [0.5], std: [0.25] };

/** Fresh parameters with one value of this one replaced. */
function damaged(name: string): Parameters {
  const parameters = initialize(network, 1);
  const tensor = parameters[name] as Tensor;
  const values = tensor.dataSync<'float32'>().slice();
  values[0] = Number.NaN;
  parameters[name] = tf.tensor(values, tensor.shape);
  return parameters;
}

describe('a teacher that overflows on the real images', () => {
  it('is named where its statistics are taken, with what to do about it', async (test) => {
    const world = await tinyWorld({ height: 8, width: 8, channels: 1 });
    test.after(() => world.close());
    const small = networkOf(architecture, world.dataset);
    const parameters = initialize(small, 1);
    for (const { name, kind } of small.parameters) {
      if (kind === 'KERNEL') parameters[name] = (parameters[name] as Tensor).mul(1e15);
    }
    const checkpoint = await putByDigest(
      world.store,
      'checkpoints',
      encodeParameters(small, parameters),
      '.safetensors',
    );
    const teacher = { index: 3, kind: 'EARLY_EPOCH', architecture, epoch: 0.1, accuracy: 12.5, checkpoint } as const;
    const statistics = computeStatistics({ dataset: world.dataset, teacher }, keptContext(world.store));
    await assert.rejects(statistics, failureWith('NUMERICS', 'Teacher 3 (EARLY_EPOCH of CONVNET, 12.5 %) overflows'));
  });
});

describe('a value that is no number', () => {
  const names = network.norms.flatMap(({ name }) => [`${name}.weight`, `${name}.running_var`]);
  const kernels = network.parameters.filter(({ kind }) => kind === 'KERNEL').map(({ name }) => name);

  for (const name of new Set([...kernels, ...names, 'classifier.bias'])) {
    it(`in ${name} is refused where accuracy is read`, async () => {
      const accuracy = measureAccuracy(network, damaged(name), set, normalization, async () => undefined);
      await assert.rejects(accuracy, failureWith('NUMERICS', 'smaller learning rate'));
    });
  }

  for (const name of kernels) {
    it(`in ${name} ends a step of training`, () => {
      const parameters = damaged(name);
      const images = tf.randomNormal([12, 8, 8, 1], 0, 1, 'float32', 1) as Tensor4D;
      const step = () =>
        trainingStep(
          { network, parameters },
          sgd({ momentum: 0.9, weightDecay: 0 }),
          images,
          (logits) => crossEntropy(logits, set.labels),
          { rate: 0.01, step: 1 },
        );
      assert.throws(step, failureWith('NUMERICS', 'training at step 1'));
    });
  }
});
