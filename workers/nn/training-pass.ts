/** A pass of a network in training mode: batch norms take the batch's own moments, and every parameter has a gradient. */
import { biasAdd, convolution, type Moments, trainingNorm } from '../tensor/kernels/index.js';
import type { Tensor1D, Tensor2D, Tensor4D } from '../tensor/tensorflow.js';
import type { Network } from './network.js';
import { type Parameters, parameterOf } from './parameters.js';
import { walk } from './walk.js';

/**
 * Logits [n, classes] of normalised images. `observe` gets what a batch norm's running moments become, `share` of them the
 * batch's, under the norm's name; they outlive any tidy and are the caller's to dispose of.
 */
export function forwardTraining(
  network: Network,
  parameters: Parameters,
  images: Tensor4D,
  share: number,
  observe: (norm: string, running: Moments) => void,
): Tensor2D {
  const features = walk(network, images, {
    convolution: (x, operation) => {
      const kernel = parameterOf<Tensor4D>(parameters, `${operation.name}.weight`);
      const y = convolution(x, kernel, operation, { images: x !== images, kernel: true });
      return operation.bias ? biasAdd(y, parameterOf<Tensor1D>(parameters, `${operation.name}.bias`)) : y;
    },
    norm: (x, name, rectified) => {
      const gamma = parameterOf<Tensor1D>(parameters, `${name}.weight`);
      const beta = parameterOf<Tensor1D>(parameters, `${name}.bias`);
      const mean = parameterOf<Tensor1D>(parameters, `${name}.running_mean`);
      const variance = parameterOf<Tensor1D>(parameters, `${name}.running_var`);
      return trainingNorm(x, gamma, beta, { mean, variance, share }, rectified, (running) => observe(name, running));
    },
  });
  return classify(network, parameters, features);
}

/** Logits of penultimate features. */
export const classify = ({ classifier }: Network, parameters: Parameters, features: Tensor2D): Tensor2D =>
  features
    .matMul(parameterOf<Tensor2D>(parameters, `${classifier}.weight`))
    .add(parameterOf(parameters, `${classifier}.bias`));
