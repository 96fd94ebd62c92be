import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { activationBytes } from '../../src/domain/architectures.js';
import { type ArchitectureConfig, architectureConfig } from '../../src/domain/config/architecture.js';
import { random } from '../../src/domain/random.js';
import { buildNetwork } from '../../workers/nn/architectures/index.js';
import { decodeParameters, encodeParameters } from '../../workers/nn/checkpoint.js';
import { forwardFrozen, freeze } from '../../workers/nn/frozen.js';
import type { Node } from '../../workers/nn/network.js';
import { initialize, isTrainable } from '../../workers/nn/parameters.js';
import { forwardTraining } from '../../workers/nn/training-pass.js';
import { type Tensor4D, tf } from '../../workers/tensor/tensorflow.js';
import { failureWith } from '../support/failure.js';

/** Parameters at 1,000 classes, as torchvision's documentation gives them. */
const PARAMETERS: Record<Exclude<ArchitectureConfig['name'], 'CONVNET'>, number> = {
  RESNET18: 11_689_512,
  RESNET50: 25_557_032,
  RESNET101: 44_549_160,
  DENSENET121: 7_978_856,
  MOBILENET_V2: 3_504_872,
  SHUFFLENET_V2_X0_5: 1_366_792,
  SHUFFLENET_V2_X1_0: 2_278_604,
  EFFICIENTNET_B0: 5_288_548,
};
const NAMES = Object.keys(PARAMETERS) as (keyof typeof PARAMETERS)[];

const pixels = (n: number, side: number): Tensor4D => {
  const source = random(1, 'architectures');
  const values = Float32Array.from({ length: n * side * side * 3 }, () => source.normal());
  return tf.tensor4d(values, [n, side, side, 3]);
};

describe('networks of a fixed size', () => {
  it('have as many parameters as torchvision says', () => {
    for (const name of NAMES) {
      const { parameters } = buildNetwork({ name }, { height: 224, width: 224, channels: 3 }, 1000);
      const count = parameters
        .filter((parameter) => isTrainable(parameter.name))
        .reduce((sum, { shape }) => sum + shape.reduce((a: number, b) => a * b, 1), 0);
      assert.equal(count, PARAMETERS[name], name);
    }
  });

  // The larger ones share their code with ResNet-18, and tests/engine/pytorch.test.ts computes with all.
  for (const name of NAMES.filter((one) => PARAMETERS[one] < 12e6)) {
    it(`of ${name} train and freeze on images of 32 pixels, and come back from a checkpoint with the same logits`, () => {
      tf.tidy(() => {
        const network = buildNetwork({ name }, { height: 32, width: 32, channels: 3 }, 7);
        const parameters = initialize(network, 3);
        const x = pixels(2, 32);
        const trained = forwardTraining(network, parameters, x, 0.1, (_, moments) => {
          tf.dispose([moments.mean, moments.variance]);
        });
        assert.deepEqual(trained.shape, [2, 7]);
        const again = decodeParameters(network, encodeParameters(network, parameters));
        const frozen = freeze(network, parameters);
        let norms = 0;
        const { logits } = forwardFrozen(frozen, x, () => norms++);
        assert.equal(norms, network.norms.length);
        const other = forwardFrozen(freeze(network, again), x).logits;
        assert.deepEqual([...logits.dataSync()], [...other.dataSync()]);
        const gradient = tf.grad((images) => forwardFrozen(frozen, images as Tensor4D).logits.sum());
        const size = gradient(x).abs().mean().dataSync()[0] ?? 0;
        assert.ok(size > 0 && Number.isFinite(size), `the gradient's mean size is ${size}`);
      });
    });
  }

  it('take the least images that they say they take, low and wide ones too', () => {
    for (const [name, height] of [...NAMES.map((one) => [one, 16] as const), ['DENSENET121', 29] as const]) {
      const width = height === 16 ? 16 : 65;
      const { featureShape } = buildNetwork({ name }, { height, width, channels: 3 }, 10);
      assert.ok(featureShape.channels > 0, name);
    }
    const build = () => buildNetwork({ name: 'DENSENET121' }, { height: 28, width: 65, channels: 3 }, 10);
    assert.throws(build, failureWith('UNSUPPORTED_SHAPE', 'a side of 29 or more; use the stem SMALL'));
  });

  it('have the stem that is asked for, whatever the side of the image', () => {
    const strideOf = (config: ArchitectureConfig, side: number) => {
      const [, { operation }] = buildNetwork(config, { height: side, width: side, channels: 3 }, 10).nodes as [
        Node,
        Node,
      ];
      return operation.op === 'CONVOLUTION' && operation.stride;
    };
    for (const name of NAMES) {
      assert.deepEqual([strideOf({ name }, 64), strideOf({ name }, 65)], [1, 2], name);
      assert.deepEqual([strideOf({ name, stem: 'LARGE' }, 64), strideOf({ name, stem: 'SMALL' }, 65)], [2, 1], name);
    }
    const shape = { height: 64, width: 64, channels: 3 };
    assert.ok(
      activationBytes({ name: 'RESNET18', stem: 'LARGE' }, shape) < activationBytes({ name: 'RESNET18' }, shape) / 4,
    );
  });

  it('have checkpoints of other digests with another stem, though of the same parameters', () => {
    const bytesOf = (config: ArchitectureConfig) => {
      const network = buildNetwork(config, { height: 32, width: 32, channels: 3 }, 7);
      const parameters = initialize(network, 3);
      const bytes = encodeParameters(network, parameters);
      tf.dispose([parameters, decodeParameters(network, bytes)]);
      return bytes.toString('base64');
    };
    const name = 'SHUFFLENET_V2_X0_5';
    assert.notEqual(bytesOf({ name, stem: 'LARGE' }), bytesOf({ name }));
    assert.equal(bytesOf({ name, stem: 'SMALL' }), bytesOf({ name }));
  });

  it('draw kernels with the spread that PyTorch gives them, depthwise ones too', () => {
    const network = buildNetwork({ name: 'MOBILENET_V2' }, { height: 32, width: 32, channels: 3 }, 7);
    const parameters = initialize(network, 3);
    const spread = (name: string) => {
      const values = parameters[`${name}.weight`]?.dataSync<'float32'>() ?? new Float32Array();
      return Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
    };
    // kaiming_normal_(mode='fan_out'): sqrt(2 / (size(0) * 3 * 3)), whatever the groups.
    for (const [name, outputs] of [
      ['features.0.0', 32],
      ['features.1.conv.0.0', 32],
      ['features.17.conv.1.0', 960],
    ] as const) {
      const expected = Math.sqrt(2 / (9 * outputs));
      assert.ok(Math.abs(spread(name) / expected - 1) < 0.15, `${name}: ${spread(name)}, not ${expected}`);
    }
    tf.dispose(parameters);
  });

  it('begin with the classifiers and biases that torchvision gives them', () => {
    const begin = (name: (typeof NAMES)[number]) => {
      const network = buildNetwork({ name }, { height: 32, width: 32, channels: 3 }, 7);
      const parameters = initialize(network, 3);
      const valuesOf = (tensor: string) => [...(parameters[tensor]?.dataSync<'float32'>() ?? [])];
      const weights = valuesOf(`${network.classifier}.weight`);
      const biases = network.parameters.filter(({ kind }) => kind === 'BIAS').flatMap((spec) => valuesOf(spec.name));
      tf.dispose(parameters);
      const rms = Math.sqrt(weights.reduce((sum, value) => sum + value ** 2, 0) / weights.length);
      return { most: Math.max(...weights.map(Math.abs)), rms, zeroBiases: biases.every((bias) => bias === 0) };
    };
    const isUniform = ({ most, rms }: ReturnType<typeof begin>, bound: number) =>
      most <= bound && most > 0.95 * bound && Math.abs(rms / (bound / Math.sqrt(3)) - 1) < 0.05;
    const efficient = begin('EFFICIENTNET_B0');
    const dense = begin('DENSENET121');
    const mobile = begin('MOBILENET_V2');
    const shuffle = begin('SHUFFLENET_V2_X0_5');
    assert.ok(isUniform(efficient, 1 / Math.sqrt(7)));
    assert.ok(isUniform(dense, 1 / Math.sqrt(1024)));
    assert.ok(isUniform(shuffle, 1 / Math.sqrt(1024)));
    assert.ok(Math.abs(mobile.rms / 0.01 - 1) < 0.05 && mobile.most > 0.03, 'normal of deviation .01');
    const zeroBiases = [efficient, dense, mobile, shuffle].map((network) => network.zeroBiases);
    assert.deepEqual(zeroBiases, [true, true, true, false]);
  });

  it('refuse images that are too small for them, and take neither width nor depth, as a ConvNet takes no stem', () => {
    const build = () => buildNetwork({ name: 'RESNET18' }, { height: 8, width: 8, channels: 1 }, 10);
    assert.throws(build, failureWith('UNSUPPORTED_SHAPE', 'use CONVNET'));
    assert.equal(architectureConfig.safeParse({ name: 'RESNET18', width: 16 }).success, false);
    assert.deepEqual(architectureConfig.parse({ name: 'RESNET18' }), { name: 'RESNET18' });
    assert.equal(architectureConfig.safeParse({ stem: 'SMALL' }).success, false);
    assert.deepEqual(architectureConfig.parse({ name: 'RESNET18', stem: 'LARGE' }), {
      name: 'RESNET18',
      stem: 'LARGE',
    });
    assert.deepEqual(architectureConfig.parse({ width: 8 }), { name: 'CONVNET', width: 8, depth: 3 });
  });
});
