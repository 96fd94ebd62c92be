/** Loads TensorFlow, computes one product, and prints what it is as JSON: a process of its own, since a broken library may end it. */
import { createRequire } from 'node:module';

interface TensorFlow {
  backend(): { binding: { TF_Version: string }; isUsingGpuDevice: boolean };
  tidy<T>(work: () => T): T;
  ones(shape: number[]): { matMul(other: object): { dataSync(): Float32Array } };
}

const tf = createRequire(import.meta.url)('@tensorflow/tfjs-node-gpu') as TensorFlow;
const [entry] = tf.tidy(() =>
  tf
    .ones([1, 8])
    .matMul(tf.ones([8, 1]))
    .dataSync(),
);
if (entry !== 8) throw new Error(`it computes 8 as ${entry}`);
const { binding, isUsingGpuDevice } = tf.backend();
process.stdout.write(`${JSON.stringify({ version: binding.TF_Version, device: isUsingGpuDevice ? 'GPU' : 'CPU' })}\n`);
