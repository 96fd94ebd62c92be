/** A student: a fresh network trained on a small set by a recipe, and read against the real test split. */
import type { RecipeConfig } from '../../src/domain/config/evaluation.js';
import { random } from '../../src/domain/random.js';
import { floatsOf } from '../../src/formats/float16.js';
import type { LabelledViews, Views } from '../../src/formats/labels.js';
import type { Network } from '../nn/network.js';
import { adam, cosine, type Optimizer, sgd } from '../nn/optimizers.js';
import { copyOf, initialize, type Parameters } from '../nn/parameters.js';
import {
  crossEntropy,
  type LabelledImages,
  type Normalization,
  softCrossEntropy,
  trainingStep,
} from '../nn/training.js';
import { normalize, renderViews } from '../nn/views.js';
import { type Scalar, type Tensor, type Tensor2D, tf } from '../tensor/tensorflow.js';

export interface Student {
  readonly network: Network;
  readonly parameters: Parameters;
  readonly optimizer: Optimizer;
  /** Exponential moving average of parameters and running moments; undefined where the recipe asks for none. */
  readonly average: Parameters | undefined;
}

/** What a resumed student goes on from. */
export interface StudentState {
  readonly parameters: Parameters;
  readonly slots: Record<string, Tensor>;
  readonly average: Parameters;
}

/** Weights from a stream of the student's own: a pool of the same seed must not have begun with them, as it labels the set. */
const freshWeights = (network: Network, seed: number): Parameters =>
  initialize(network, random(seed, 'student').integer(2 ** 31));

export function createStudent(network: Network, recipe: RecipeConfig, seed: number, resume?: StudentState): Student {
  const { optimizer, weightDecay, averageDecay } = recipe;
  const make = optimizer === 'SGD' ? sgd : adam;
  const parameters = resume?.parameters ?? freshWeights(network, seed);
  return {
    network,
    parameters,
    average: averageDecay > 0 ? (resume?.average ?? copyOf(parameters)) : undefined,
    optimizer: make({ momentum: 0.9, beta1: 0.9, beta2: 0.999, weightDecay }, resume?.slots),
  };
}

/** The parameters that accuracy is read of. */
export const measuredOf = ({ average, parameters }: Student): Parameters => average ?? parameters;

/**
 * After `step` steps. It begins with a shorter memory (as TensorFlow's ExponentialMovingAverage with `num_updates`), or the average
 * of a short training would be of its first weights.
 */
function moveAverage({ average, parameters }: Student, averageDecay: number, step: number): void {
  if (average === undefined) return;
  const decay = Math.min(averageDecay, (1 + step) / (10 + step));
  for (const [name, parameter] of Object.entries(parameters)) {
    const old = average[name] as Tensor;
    average[name] = tf.tidy(() => old.mul(decay).add(parameter.mul(1 - decay)));
    old.dispose();
  }
}

/** Squared error of the logits, mean over the batch and the classes (G-VBSM and EDC train so, with cross-entropy beside it). */
export const logitError = (logits: Tensor2D, target: Tensor2D): Scalar => logits.sub(target).square().mean() as Scalar;

/**
 * KL divergence, mean over the batch, of the student from the teacher, both softened by the temperature T:
 * gradients shrink with 1 / T^2 unless the loss is scaled by T^2 (Hinton, Vinyals and Dean, 2015).
 */
export function distillationLoss(logits: Tensor2D, target: Tensor2D, recipe: RecipeConfig): Scalar {
  const { temperature, scaleByTemperatureSquared } = recipe;
  const soft = tf.softmax(target.div(temperature)) as Tensor2D;
  const entropy = soft
    .mul(tf.logSoftmax(target.div(temperature)))
    .sum()
    .div(logits.shape[0]);
  const divergence = softCrossEntropy(logits.div(temperature), soft).add(entropy);
  return divergence.mul(scaleByTemperatureSquared ? temperature ** 2 : 1) as Scalar;
}

/** Cross-entropy of hard labels under the same mix: lambda of one's own label, the rest of the partner's. */
export function hardLoss(logits: Tensor2D, labels: Int32Array, views: Views): Scalar {
  const own = views.sample.map((i) => labels[i] as number);
  const partners = views.partner.map((i) => own[i] as number);
  const { lambda } = views;
  return crossEntropy(logits, own)
    .mul(lambda)
    .add(crossEntropy(logits, partners).mul(1 - lambda)) as Scalar;
}

export type StudentBatch = { kind: 'SOFT'; views: LabelledViews } | { kind: 'HARD'; views: Views };

/** Step `step` (from 0) on a batch of views. Returns the loss. Throws NUMERICS. */
export function studentStep(
  student: Student,
  set: LabelledImages,
  batch: StudentBatch,
  normalization: Normalization,
  recipe: RecipeConfig,
  step: number,
): number {
  const { shape, classes } = student.network;
  const images = tf.tidy(() => normalize(renderViews(set, shape, batch.views), normalization));
  const lossOf = (logits: Tensor2D) => {
    if (batch.kind === 'HARD') return hardLoss(logits, set.labels, batch.views);
    const target = tf.tensor2d(floatsOf(batch.views.logits), [logits.shape[0], classes]);
    if (recipe.loss === 'KL') return distillationLoss(logits, target, recipe);
    const hard = hardLoss(logits, set.labels, batch.views).mul(recipe.hardLabelWeight);
    return logitError(logits, target).add(hard) as Scalar;
  };
  const loss = trainingStep(student, student.optimizer, images, lossOf, { rate: rateAt(recipe, step), step: step + 1 });
  moveAverage(student, recipe.averageDecay, step + 1);
  images.dispose();
  return loss;
}

/** Of step `step`, from 0. */
export function rateAt({ schedule, learningRate, steps }: RecipeConfig, step: number): number {
  if (schedule === 'CONSTANT') return learningRate;
  return cosine(learningRate, step, schedule === 'HALF_COSINE' ? 2 * steps : steps);
}

/** Whether test accuracy is read after `done` steps: `accuracyReadings` times, evenly spaced, the last at the end. */
export function isReading({ steps, accuracyReadings }: RecipeConfig, done: number): boolean {
  const readingsBy = (n: number) => Math.floor((n * accuracyReadings) / steps);
  return done === steps || readingsBy(done) > readingsBy(done - 1);
}
