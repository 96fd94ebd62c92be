import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ArchitectureConfig, architectureConfig } from '../../src/domain/config.js';
import { random } from '../../src/domain/random.js';
import { buildNetwork } from '../../workers/nn/architectures/index.js';
import { decodeParameters, encodeParameters } from '../../workers/nn/checkpoint.js';
import { forwardFrozen, freeze } from '../../workers/nn/frozen.js';
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

  it('refuse images that are too small for them, and take neither width nor depth', () => {
    const build = () => buildNetwork({ name: 'RESNET18' }, { height: 8, width: 8, channels: 1 }, 10);
    assert.throws(build, failureWith('UNSUPPORTED_SHAPE', 'use CONVNET'));
    assert.equal(architectureConfig.safeParse({ name: 'RESNET18', width: 16 }).success, false);
    assert.deepEqual(architectureConfig.parse({ name: 'RESNET18' }), { name: 'RESNET18' });
    assert.deepEqual(architectureConfig.parse({ width: 8 }), { name: 'CONVNET', width: 8, depth: 3 });
  });
});
