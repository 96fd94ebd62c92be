import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { architectureConfig } from '../../src/domain/config/architecture.js';
import { poolConfig } from '../../src/domain/config/pool.js';
import { random } from '../../src/domain/random.js';
import { trainPool } from '../../workers/jobs/pool-training.js';
import { buildNetwork } from '../../workers/nn/architectures/index.js';
import { freeze } from '../../workers/nn/frozen.js';
import { sgd } from '../../workers/nn/optimizers.js';
import { copyOf, initialize } from '../../workers/nn/parameters.js';
import { crossEntropy, trainingStep, withoutInitialMoments } from '../../workers/nn/training.js';
import { augmentationBoxes, shuffledIndices } from '../../workers/nn/views.js';
import { loadTeacher, readImages } from '../../workers/teddy/dataset.js';
import { planPool, poolStep, randomTeacher } from '../../workers/teddy/pool.js';
import { type Tensor, tf } from '../../workers/tensor/tensorflow.js';
import { referenceForward } from '../support/reference-convnet.js';
import { cropOf } from '../support/reference-views.js';
import { referenceInput, referenceOf, type TinyWorld, tinyImages, tinyWorld } from '../support/tiny-engine.js';
import { keptContext, poolPayload } from '../support/tiny-jobs.js';

const SIDE = 8;
const SHAPE = { height: SIDE, width: SIDE, channels: 1 };
const NORMALIZATION = { mean: [0.4], std: [0.3] };
const architecture = architectureConfig.parse({ width: 4, depth: 2 });
const network = buildNetwork(architecture, SHAPE, 3);
const train = tinyImages(SHAPE, 60, 3, 3);

describe("a step of a teacher's training", () => {
  it('is SGD on the cross-entropy of its images, flipped and shifted as float64 draws them, of the own class of each', () => {
    const config = poolConfig.parse({ architecture, augmentation: { flip: true, shift: 2 } });
    const position = { seed: 7, batchSize: 16, step: 3, rate: 0.05 };
    const [own, other] = [initialize(network, 1), initialize(network, 1)];
    const optimizer = () => sgd({ momentum: 0.9, weightDecay: 5e-4 });
    const loss = poolStep({ network, parameters: own }, optimizer(), train, NORMALIZATION, config, position);

    // The fourth batch of 16 out of 60 images an epoch spans two of them.
    const indices = shuffledIndices(7, 'pool/order', 60, 48, 16);
    const boxes = augmentationBoxes(config.augmentation, 1, SHAPE, 16, random(7, 'pool/augment', 3));
    const pixels = Array.from(indices, (index, i) => {
      const image = Float64Array.from(
        train.images.subarray(index * SIDE ** 2, (index + 1) * SIDE ** 2),
        (x) => x / 255,
      );
      return Array.from(cropOf(image, SIDE, boxes.subarray(4 * i, 4 * i + 4)), (pixel) => (pixel - 0.4) / 0.3);
    });
    const labels = Array.from(indices, (index) => train.labels[index] as number);
    const wanted = trainingStep(
      { network, parameters: other },
      optimizer(),
      tf.tensor4d(pixels.flat(), [16, SIDE, SIDE, 1]),
      (logits) => crossEntropy(logits, labels),
      { rate: 0.05, step: 4 },
    );
    assert.ok(Math.abs(loss - wanted) < 1e-5 * wanted, `${loss}, not ${wanted}`);
    for (const [name, expected] of Object.entries(other)) {
      const off = own[name]?.sub(expected).abs().max().dataSync()[0] ?? Number.NaN;
      assert.ok(off < 1e-5, `${name} is off by ${off}`);
    }
  });
});

describe('the rates of a pool', () => {
  const phases = planPool(
    poolConfig.parse({ architecture, epochs: 2, learningRate: 0.4, batchSize: 16, prunedRatios: [0.5] }),
    1,
    160,
  );
  const of = (kind: 'BASE' | 'PRUNED') => {
    const phase = phases.find((one) => one.kind === kind);
    return phase && 'rateAt' in phase ? phase : assert.fail();
  };

  it('fall from the one that is asked for to none along a base run', () => {
    const { rateAt, steps } = of('BASE');
    assert.deepEqual(
      [rateAt(0), rateAt(steps / 2), rateAt(steps)].map((rate) => Math.round(1e6 * rate) / 1e6),
      [0.4, 0.2, 0],
    );
  });

  it('begin a fine-tuning with a tenth', () => {
    assert.ok(Math.abs(of('PRUNED').rateAt(0) - 0.04) < 1e-12);
  });
});

describe('untrained teachers', () => {
  it('have weights of their own each, and the moments of real images', () => {
    const [first, second] = [0, 1].map((index) =>
      randomTeacher(network, architecture, train, NORMALIZATION, { seed: 1, index }),
    ) as [ReturnType<typeof copyOf>, ReturnType<typeof copyOf>];
    const values = (tensor: Tensor | undefined) => [...(tensor?.dataSync() ?? [])];
    const kernel = 'features.0.weight';
    const weights = values(first[kernel]);
    const others = values(second[kernel]);
    assert.ok(weights.length > 0 && weights.length === others.length);
    assert.ok(weights.every((value, i) => value !== others[i]));

    // Fewer images than it takes at most: all of them, in a pass whose batch norms have the moments of the batch.
    const input = referenceInput(train, NORMALIZATION);
    const { moments } = referenceForward(referenceOf(freeze(network, first)), input);
    const found = values(first['features.1.running_mean']);
    const variances = values(first['features.1.running_var']);
    assert.ok(found.some((value) => Math.abs(value) > 0.01));
    moments[0]?.mean.forEach((value, c) => {
      assert.ok(Math.abs((found[c] ?? Number.NaN) - value) < 1e-4, `${found[c]}, not ${value}`);
      const variance = moments[0]?.variance[c] ?? Number.NaN;
      assert.ok(Math.abs((variances[c] ?? Number.NaN) / variance - 1) < 1e-3, `${variances[c]}, not ${variance}`);
    });
  });
});

describe('a base run', () => {
  let world: TinyWorld;
  before(async () => {
    world = await tinyWorld(SHAPE, 60);
  });
  after(() => world.close());

  it('is its steps, each at the rate of its place', async () => {
    const payload = poolPayload(world);
    const config = { ...payload.config, epochs: 1, checkpointEpochs: [1], randomInitTeachers: 0 };
    const { teachers } = await trainPool({ ...payload, config }, keptContext(world.store));
    const frozen = await loadTeacher(world.store, world.dataset, teachers[0] ?? assert.fail());

    const images = await readImages({ ...keptContext(world.store) }, world.dataset, world.dataset.train);
    const [phase] = planPool(config, payload.seed, images.labels.length);
    if (phase?.kind !== 'BASE') assert.fail();
    const model = { network: frozen.network, parameters: initialize(frozen.network, phase.seed) };
    const optimizer = sgd(config);
    for (let step = 0; step < phase.steps; step++) {
      const position = { seed: phase.seed, batchSize: phase.batchSize, step, rate: phase.rateAt(step) };
      poolStep(model, optimizer, images, world.dataset, config, position);
    }
    for (const [name, expected] of Object.entries(withoutInitialMoments(model.parameters, phase.steps))) {
      assert.deepEqual(frozen.parameters[name]?.dataSync(), expected.dataSync(), name);
    }
  });

  it('learns: its last teacher is right far more often than its first', async () => {
    const payload = poolPayload(world);
    const config = { ...payload.config, epochs: 8, checkpointEpochs: [0.1, 8], randomInitTeachers: 0 };
    const { teachers } = await trainPool({ ...payload, config }, keptContext(world.store));
    const [first, last] = teachers.map(({ accuracy }) => accuracy) as [number, number];
    assert.ok(last > 80 && last > first + 20, `${first} %, then ${last} %`);
  });
});
