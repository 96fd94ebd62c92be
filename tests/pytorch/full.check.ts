/** Whole networks as PyTorch exports them, weights and all; run by scripts/check-pytorch.mjs, which makes the export. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { decodeSafetensors, tensorOfFile } from '../../src/formats/safetensors.js';
import { decodeParameters, encodeParameters } from '../../workers/nn/checkpoint.js';
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
