/** Whole networks as PyTorch exports them, weights and all; run by scripts/check-pytorch.mjs, which makes the export. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { decodeSafetensors, tensorOfFile } from '../../src/formats/safetensors.js';
import { decodeParameters, encodeParameters } from '../../workers/nn/checkpoint.js';
import { initialize, parameterOf } from '../../workers/nn/parameters.js';
import { type Tensor4D, tf } from '../../workers/tensor/tensorflow.js';
import { type GoldenCase, networkOf, relativeError, runMatching } from '../support/pytorch.js';

const folder = process.env.TEDDYHUB_PYTORCH_EXPORT;
if (folder === undefined) throw new Error('Run this by: npm run check:pytorch');

describe('a state dict that PyTorch exported', () => {
  for (const name of readdirSync(folder).sort()) {
    it(`comes back as it was, gives PyTorch's logits within 1e-3, and its gradient as exactly as PyTorch's own float32: ${name}`, () => {
      tf.engine().startScope();
      const read = (file: string) => readFileSync(join(folder, name, file));
      const one = JSON.parse(read('case.json').toString()) as GoldenCase;
      const run = decodeSafetensors(read('run.safetensors'));
      const network = networkOf(one);
      const parameters = decodeParameters(network, read('model.safetensors'));
      const theirs = decodeSafetensors(read('model.safetensors')).tensors;
      for (const [tensor, given] of decodeSafetensors(encodeParameters(network, parameters)).tensors) {
        assert.deepEqual(given, theirs.get(tensor), `${tensor} is not given back as it came`);
      }
      const { data, shape } = tensorOfFile(run, 'input', 'F32');
      const images = tf.tensor4d(data, shape as [number, number, number, number]).transpose([0, 2, 3, 1]) as Tensor4D;
      const { logits, loss, gradient } = runMatching(one, network, parameters, images);
      const off = relativeError(logits, tensorOfFile(run, 'logits', 'F32').data);
      assert.ok(off < 1e-3, `logits are off by ${off}`);
      assert.ok(relativeError([loss], tensorOfFile(run, 'loss', 'F32').data) < 1e-3);
      const exact = tensorOfFile(run, 'exact_gradient', 'F32').data;
      const own = relativeError(gradient, exact);
      const peer = relativeError(tensorOfFile(run, 'gradient', 'F32').data, exact);
      assert.ok(own < Math.max(1e-3, 2 * peer), `the gradient is off by ${own}, PyTorch's own by ${peer}`);
      tf.engine().endScope();
    });
  }
});

describe('first weights are drawn as torchvision draws them', () => {
  // ConvNet is not torchvision's.
  for (const name of readdirSync(folder)
    .sort()
    .filter((one) => !one.startsWith('convnet'))) {
    it(name, () => {
      const read = (file: string) => JSON.parse(readFileSync(join(folder, name, file)).toString());
      const network = networkOf(read('case.json') as GoldenCase);
      const theirs = read('initial.json') as Record<string, [number, number]>;
      const ours = initialize(network, 1);
      // The stem is put in by tests/pytorch/torch_models.py, with PyTorch's own default.
      for (const spec of network.parameters.slice(1)) {
        const values = parameterOf(ours, spec.name).dataSync<'float32'>();
        const [rms, largest] = theirs[spec.name] ?? assert.fail(`PyTorch has no ${spec.name}`);
        const own = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
        const most = values.reduce((size, value) => Math.max(size, Math.abs(value)), 0);
        if (rms === 0) {
          assert.equal(most, 0, `${spec.name} begins with zeros`);
          continue;
        }
        // Of n draws the root mean square is off by 1 / sqrt(2n), on both sides: five times that.
        assert.ok(Math.abs(own / rms - 1) < 5 / Math.sqrt(values.length), `${spec.name}: ${own}, not ${rms}`);
        // Of a uniform distribution the largest is sqrt(3) times that, and of 1,000 normal draws some are beyond twice.
        if (values.length < 1000) continue;
        assert.equal(most < 2 * own, largest < 2 * rms, `${spec.name} is of another distribution: up to ${most}`);
      }
      tf.dispose(ours);
    });
  }
});
