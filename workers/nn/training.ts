/** Training and measuring of a network, one step or one pass at a time. */
import { TeddyhubError } from '../../src/domain/errors.js';
import type { Pixels } from '../../src/formats/dataset-splits.js';
import type { Moments } from '../tensor/kernels/index.js';
import { type Scalar, type Tensor, type Tensor2D, type Tensor4D, tf } from '../tensor/tensorflow.js';
import { forwardFrozen, freeze } from './frozen.js';
import type { Network } from './network.js';
import type { Optimizer } from './optimizers.js';
import { isTrainable, type Parameters, parameterOf } from './parameters.js';
import { forwardTraining } from './training-pass.js';
import { gatherImages, type HostImages, normalize } from './views.js';

export interface Normalization {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Images with labels on the host. */
export interface LabelledImages<P extends Pixels = Pixels> extends HostImages<P> {
  readonly labels: Int32Array;
}

/** The share of a batch in the running moments of a batch norm, as PyTorch has it. */
const RUNNING_SHARE = 0.1;
/** Images that a pass takes at once, and pixels: activations stay small enough for the allocator to reuse their memory. */
const PASS_BATCH = 250;
const PASS_PIXELS = 2 ** 20;

export const passBatch = ({ height, width }: Pick<HostImages, 'height' | 'width'>): number =>
  Math.max(1, Math.min(PASS_BATCH, Math.floor(PASS_PIXELS / (height * width))));

/** Throws NUMERICS, in one line, where a loss is no number any more. */
export function assertFinite(loss: number, during: string): void {
  if (Number.isFinite(loss)) return;
  throw new TeddyhubError('NUMERICS', `The loss became ${loss} during ${during}: use a smaller learning rate.`);
}

/** Running moments by the name of their norm, as a pass leaves them. */
type Observed = [norm: string, running: Moments][];

function replaceRunning(parameters: Parameters, observed: Observed): void {
  for (const [norm, { mean, variance }] of observed) {
    tf.dispose([parameters[`${norm}.running_mean`], parameters[`${norm}.running_var`]]);
    parameters[`${norm}.running_mean`] = mean;
    parameters[`${norm}.running_var`] = variance;
  }
}

/** One step on normalised images; `lossOf` maps logits [n, classes] to a scalar. Returns the loss before the step. Throws NUMERICS. */
export function trainingStep(
  { network, parameters }: { network: Network; parameters: Parameters },
  optimizer: Optimizer,
  images: Tensor4D,
  lossOf: (logits: Tensor2D) => Scalar,
  { rate, step }: { rate: number; step: number },
): number {
  const observed: Observed = [];
  const names = Object.keys(parameters).filter(isTrainable);
  const { value, grads } = tf.engine().gradients(
    () => lossOf(forwardTraining(network, parameters, images, RUNNING_SHARE, (...running) => observed.push(running))),
    names.map((name) => parameterOf(parameters, name)),
  );
  const loss = value.dataSync()[0] as number;
  // ReLU may make 0 of what is no number (fusesRelu), and then no loss shows it: moments of what came to the norms do.
  const seen = tf.tidy(() => tf.concat(observed.map(([, { mean }]) => mean)).sum());
  const moments = seen.dataSync()[0] as number;
  seen.dispose();
  const gradients = Object.fromEntries(names.map((name, i): [string, Tensor] => [name, grads[i] as Tensor]));
  optimizer.apply(parameters, gradients, rate, step);
  replaceRunning(parameters, observed);
  tf.dispose([value, ...grads]);
  assertFinite(Number.isFinite(moments) ? loss : Number.NaN, `training at step ${step}`);
  return loss;
}

/** Sets the running moments of a network to those of one batch of normalised images, as an untrained teacher needs. */
export function adoptMoments(network: Network, parameters: Parameters, images: Tensor4D): void {
  const observed: Observed = [];
  tf.tidy(() => {
    forwardTraining(network, parameters, images, 1, (...running) => observed.push(running));
  });
  replaceRunning(parameters, observed);
}

/** A copy whose running moments start anew: once channels are cut away, the old ones are of another network. */
export const withNewMoments = (parameters: Parameters): Parameters =>
  Object.fromEntries(
    Object.entries(parameters).map(([name, tensor]): [string, Tensor] => {
      if (name.endsWith('.running_mean')) return [name, tf.zerosLike(tensor)];
      return [name, name.endsWith('.running_var') ? tf.onesLike(tensor) : tensor.clone()];
    }),
  );

/**
 * A copy whose running moments are those of the batches alone. Running moments start at mean 0 and variance 1, and after few steps that
 * start still weighs (1 - share)^steps; it is taken out as Adam corrects its moments (Kingma and Ba, 2015). The caller disposes of the copy.
 */
export function withoutInitialMoments(parameters: Parameters, steps: number): Parameters {
  const left = (1 - RUNNING_SHARE) ** steps;
  const corrected = ([name, tensor]: [string, Tensor]): [string, Tensor] => {
    if (name.endsWith('.running_mean')) return [name, tensor.div(1 - left)];
    // Of a constant channel rounding may leave less than nothing.
    if (name.endsWith('.running_var'))
      return [
        name,
        tf.tidy(() =>
          tensor
            .sub(left)
            .div(1 - left)
            .relu(),
        ),
      ];
    return [name, tensor.clone()];
  };
  return Object.fromEntries(Object.entries(parameters).map(corrected));
}

/** Mean cross-entropy of integer labels. */
export function crossEntropy(logits: Tensor2D, labels: ArrayLike<number>): Scalar {
  const target = tf.oneHot(tf.tensor1d(Int32Array.from(labels), 'int32'), logits.shape[1]);
  return softCrossEntropy(logits, target as Tensor2D);
}

/** Mean over the batch of -sum_c target_c log softmax(logits)_c. */
export const softCrossEntropy = (logits: Tensor2D, target: Tensor2D): Scalar =>
  tf.logSoftmax(logits).mul(target).sum().div(-logits.shape[0]) as Scalar;

/** Visits a split in order, from a sample on, in batches of normalised images; tensors made by the visitor are disposed of. */
export async function visitBatches(
  set: HostImages,
  count: number,
  normalization: Normalization,
  breathe: () => Promise<void>,
  visit: (images: Tensor4D, start: number) => void,
  from = 0,
): Promise<void> {
  const together = passBatch(set);
  for (let start = from; start < count; start += together) {
    const indices = Array.from({ length: Math.min(together, count - start) }, (_, i) => start + i);
    tf.tidy(() => visit(normalize(gatherImages(set, indices), normalization), start));
    await breathe();
  }
}

/** Throws NUMERICS: the last step of a training may have left what no loss has shown. */
function assertFiniteParameters(parameters: Parameters): void {
  const sum = tf.tidy(() => tf.addN(Object.values(parameters).map((parameter) => parameter.sum())));
  const [value] = sum.dataSync();
  sum.dispose();
  if (Number.isFinite(value)) return;
  throw new TeddyhubError('NUMERICS', 'A parameter of the network is no finite number: use a smaller learning rate.');
}

/** Top-1 and top-5 accuracy in evaluation mode, percent; throws NUMERICS. Ties go to the lower class. */
export async function measureAccuracy(
  network: Network,
  parameters: Parameters,
  set: LabelledImages,
  normalization: Normalization,
  breathe: () => Promise<void>,
): Promise<{ top1: number; top5: number }> {
  assertFiniteParameters(parameters);
  const frozen = freeze(network, parameters);
  const { labels } = set;
  const { classes } = network;
  const within = [0, 0];
  await visitBatches(set, labels.length, normalization, breathe, (images, start) => {
    const logits = forwardFrozen(frozen, images).logits.dataSync<'float32'>();
    for (let i = 0; i < images.shape[0]; i++) {
      const label = labels[start + i] as number;
      const own = logits[i * classes + label] as number;
      let rank = 0;
      for (let c = 0; c < classes; c++) {
        const other = logits[i * classes + c] as number;
        if (other > own || (other === own && c < label) || Number.isNaN(other)) rank++;
      }
      if (rank < 1) within[0] = (within[0] as number) + 1;
      if (rank < 5) within[1] = (within[1] as number) + 1;
    }
  });
  frozen.dispose();
  const [top1, top5] = within.map((n) => (100 * n) / labels.length) as [number, number];
  return { top1, top5 };
}
