/** The pool of weak teachers: checkpoints of one base run at fractional epochs, and random-initialised networks. */
import type { PoolConfig } from '../../src/domain/config.js';
import { TeddyhubError } from '../../src/domain/errors.js';
import { random } from '../../src/domain/random.js';
import type { Network } from '../nn/network.js';
import { cosine, type Optimizer } from '../nn/optimizers.js';
import { initialize, type Parameters } from '../nn/parameters.js';
import { adoptMoments, crossEntropy, type LabelledImages, type Normalization, trainingStep } from '../nn/training.js';
import { augmentationBoxes, gatherImages, normalize, shuffledIndices } from '../nn/views.js';
import { crop } from '../tensor/kernels/index.js';
import { tf } from '../tensor/tensorflow.js';

export interface PoolPlan {
  readonly totalSteps: number;
  /** Base-run steps after which the network is kept, ascending, with the epoch each stands for. */
  readonly kept: readonly { step: number; epoch: number }[];
}

/** Epochs in steps. Throws INVALID_INPUT where a checkpoint lies beyond the end of the run. */
export function planPool({ epochs, batchSize, checkpointEpochs }: PoolConfig, images: number): PoolPlan {
  const beyond = checkpointEpochs.find((epoch) => epoch > epochs);
  if (beyond !== undefined) {
    throw new TeddyhubError('INVALID_INPUT', `Checkpoint epoch ${beyond} lies beyond the run's ${epochs} epochs.`);
  }
  const stepsOf = (epoch: number) => Math.max(1, Math.round((epoch * images) / batchSize));
  const kept = [...new Set(checkpointEpochs)].sort((a, b) => a - b).map((epoch) => ({ step: stepsOf(epoch), epoch }));
  return { totalSteps: stepsOf(epochs), kept };
}

/** Step `step` (from 0) of the base run: a function of the state, the seed and the step alone. Returns the loss. */
export function poolStep(
  model: { network: Network; parameters: Parameters },
  optimizer: Optimizer,
  train: LabelledImages,
  normalization: Normalization,
  config: PoolConfig,
  { seed, step, totalSteps }: { seed: number; step: number; totalSteps: number },
): number {
  const { batchSize, augmentation } = config;
  const indices = shuffledIndices(seed, 'pool/order', train.labels.length, step * batchSize, batchSize);
  const labels = indices.map((i) => train.labels[i] as number);
  const boxes = augmentationBoxes(augmentation, 1, model.network.shape, batchSize, random(seed, 'pool/augment', step));
  const images = tf.tidy(() => normalize(crop(gatherImages(train, indices), boxes), normalization));
  const rate = cosine(config.learningRate, step, totalSteps);
  const loss = trainingStep(model, optimizer, images, (logits) => crossEntropy(logits, labels), {
    rate,
    step: step + 1,
  });
  images.dispose();
  return loss;
}

/** How many real images set the batch norms of a random-initialised teacher. */
const MOMENT_IMAGES = 1000;

/** Untrained teacher number `index`: seeded weights, and running moments taken from real images. */
export function randomTeacher(
  network: Network,
  train: LabelledImages,
  normalization: Normalization,
  seed: number,
  index: number,
): Parameters {
  const parameters = initialize(network, random(seed, 'random-init', index).integer(2 ** 31));
  const count = Math.min(MOMENT_IMAGES, train.labels.length);
  const chosen = shuffledIndices(seed, `random-init/${index}`, train.labels.length, 0, count);
  const images = tf.tidy(() => normalize(gatherImages(train, chosen), normalization));
  adoptMoments(network, parameters, images);
  images.dispose();
  return parameters;
}
