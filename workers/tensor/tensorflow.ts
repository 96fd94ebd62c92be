/**
 * Loads TensorFlow once, quietly and deterministically: import `tf` from here, never from the package, so that the
 * environment below is in place before the library reads it.
 */
import { createRequire } from 'node:module';

process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
process.env.TF_DETERMINISTIC_OPS ??= '1';
// TensorFlow takes oneDNN's kernels by itself where there is AVX-512 alone; with AVX2 they halve the time of a step.
process.env.TF_ENABLE_ONEDNN_OPTS ??= '1';

type TensorFlow = typeof import('@tensorflow/tfjs-node-gpu');

export const tf = createRequire(import.meta.url)('@tensorflow/tfjs-node-gpu') as TensorFlow;

/**
 * The values of a float32 tensor that is made for nothing else. A tidy must not return arrays or buffers: it would look at
 * each of their elements for tensors.
 */
export function valuesOf(make: () => import('@tensorflow/tfjs-node-gpu').Tensor): Float32Array {
  const tensor = tf.tidy(make);
  const values = tensor.dataSync<'float32'>();
  tensor.dispose();
  return values;
}

export type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-node-gpu';
