/**
 * Differentiable operations over TensorFlow's own kernels, where tfjs composes slower ones. Activations are NHWC float32,
 * per-channel vectors [c]. Every gradient here is checked against finite differences in tests/engine/kernels.test.ts.
 */
export { relu, relu6, sigmoid, silu } from './activation.js';
export type { Moments } from './batch-norm.js';
export { biasAdd, convolution } from './convolution.js';
export { crop, resize } from './geometry.js';
export { type MomentTarget, momentDistance, moments, momentTarget, type NormInput } from './moments.js';
export {
  type Affine,
  foldNorm,
  frozenNorm,
  frozenOffset,
  trainingNorm,
  unscaleOf,
} from './norm.js';
export { averagePool, globalMean, maxPool, shuffle } from './pooling.js';
