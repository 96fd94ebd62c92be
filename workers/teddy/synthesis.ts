/** Synthesis: Adam on the pixels of one task's images against a pool of teachers. */
import type { ImageShape, SynthesisConfig } from '../../src/domain/config.js';
import { random } from '../../src/domain/random.js';
import { adam, cosine, type Optimizer } from '../nn/optimizers.js';
import { assertFinite, type Normalization } from '../nn/training.js';
import { augmentationBoxes, gatherImages, type HostImages, normalize } from '../nn/views.js';
import { crop, resize } from '../tensor/kernels/index.js';
import { type Scalar, type Tensor, type Tensor4D, tf } from '../tensor/tensorflow.js';
import { type BatchLabels, matchingLoss, type Target } from './matching.js';

/** What a task makes: `cells` samples of every class, ordered by image slot, then class, then cell. */
export interface SynthesisTask {
  readonly config: SynthesisConfig;
  readonly shape: ImageShape;
  readonly classes: number;
  readonly seed: number;
  readonly taskIndex: number;
  /** Full images' worth of every class. */
  readonly imagesPerClass: number;
}

export const cellShape = ({
  shape: { height, width, channels },
  config: { formation },
}: SynthesisTask): ImageShape => ({
  height: Math.floor(height / formation),
  width: Math.floor(width / formation),
  channels,
});

/** Of `slots` image slots, by default the task's. */
export function labelsOf(
  { classes, imagesPerClass, config: { formation } }: SynthesisTask,
  slots = imagesPerClass,
): Int32Array {
  const cells = formation ** 2;
  return Int32Array.from({ length: slots * classes * cells }, (_, i) => Math.floor(i / cells) % classes);
}

/** Image slots of every class in each of the task's mini-batches, which take turns. */
export function batchesOf({ imagesPerClass, config: { slotsPerStep } }: SynthesisTask): number[] {
  const most = slotsPerStep === 0 ? imagesPerClass : Math.min(slotsPerStep, imagesPerClass);
  const count = Math.ceil(imagesPerClass / most);
  return Array.from({ length: count }, (_, i) => Math.min(most, imagesPerClass - i * most));
}

/** 1 for the images that have joined by this step and 0 for those of later rounds, [n, 1, 1, 1]. */
function joined({ config, classes }: SynthesisTask, slots: number, step: number): Tensor4D {
  const size = classes * config.formation ** 2;
  const round = Math.floor((step * config.rounds) / config.steps);
  const values = Float32Array.from({ length: slots * size }, (_, i) =>
    Math.floor((Math.floor(i / size) * config.rounds) / slots) <= round ? 1 : 0,
  );
  return tf.tensor4d(values, [values.length, 1, 1, 1]);
}

/**
 * Initial pixels [n, h / f, w / f, c] as fractions: the first images of the class in the order of `drawn`, other ones in
 * every task while they last; or uniform noise.
 */
export function initialImages(task: SynthesisTask, source: HostImages, drawn: readonly Int32Array[]): Tensor4D {
  const { config, seed, taskIndex, imagesPerClass, classes } = task;
  const { height, width, channels } = cellShape(task);
  const labels = labelsOf(task);
  if (config.init === 'NOISE') {
    const { uniform } = random(seed, 'synthesis/noise', taskIndex);
    const pixels = Float32Array.from({ length: labels.length * height * width * channels }, uniform);
    return tf.tensor4d(pixels, [labels.length, height, width, channels]);
  }
  const cells = config.formation ** 2;
  const first = taskIndex * config.imagesPerClassPerTask * cells;
  const used = new Int32Array(classes).fill(first);
  const chosen = Array.from(labels, (label) => {
    const order = drawn[label] as Int32Array;
    const position = used[label] as number;
    used[label] = position + 1;
    return order[position % order.length] as number;
  });
  if (imagesPerClass * cells * classes !== chosen.length) throw new RangeError('labels and images differ in count');
  return tf.tidy(() => resize(gatherImages(source, chosen), height, width));
}

export interface SynthesisState {
  /** Pixels as fractions, by the position of their mini-batch. */
  readonly images: Record<string, Tensor>;
  readonly optimizer: Optimizer;
}

export const synthesisOptimizer = (resume: Record<string, Tensor> = {}): Optimizer =>
  adam({ beta1: 0.5, beta2: 0.9, weightDecay: 0 }, resume);

/** Positions in the pool of the teachers of one step. */
export function teachersAt({ config, seed, taskIndex }: SynthesisTask, pool: number, step: number): number[] {
  const { teachersPerStep, teacherOrder } = config;
  const source = random(seed, 'synthesis/teachers', taskIndex, step);
  return Array.from({ length: teachersPerStep }, (_, i) =>
    teacherOrder === 'RANDOM' ? source.integer(pool) : (step * teachersPerStep + i) % pool,
  );
}

export interface StepLosses {
  readonly total: number;
  readonly crossEntropy: number;
  readonly moments: number;
  readonly classMeans: number;
}

/** Step `step` (from 0): a function of the state, (seed, task index) and the step alone. Throws NUMERICS. */
export function synthesisStep(
  task: SynthesisTask,
  state: SynthesisState,
  pool: readonly Target[],
  labels: readonly BatchLabels[],
  normalization: Normalization,
  step: number,
): StepLosses {
  const { config, shape, seed, taskIndex } = task;
  const batches = batchesOf(task);
  const batch = step % batches.length;
  const visit = Math.floor(step / batches.length);
  const name = `${batch}`;
  const pixels = state.images[name] as Tensor4D;
  const source = random(seed, 'synthesis/augment', taskIndex, step);
  const { cropScaleMin, cropScaleStart = cropScaleMin } = config;
  const least = cropScaleStart + ((cropScaleMin - cropScaleStart) * step) / config.steps;
  const boxes = augmentationBoxes(config.augmentation, least, shape, pixels.shape[0], source);
  const chosen = teachersAt(task, pool.length, visit).map((k) => pool[k] as Target);
  const parts = { crossEntropy: 0, moments: 0, classMeans: 0 };
  const { value, grads } = tf.engine().gradients(() => {
    const view = normalize(crop(resize(pixels, shape.height, shape.width), boxes), normalization);
    const totals = chosen.map((target) => {
      const { total, ...loss } = matchingLoss(target, view, labels[batch] as BatchLabels, config);
      for (const key of ['crossEntropy', 'moments', 'classMeans'] as const) {
        parts[key] += (loss[key].dataSync()[0] as number) / chosen.length;
      }
      return total;
    });
    return totals.reduce((sum, total) => sum.add(total) as Scalar).div(chosen.length) as Scalar;
  }, [pixels]);
  const total = value.dataSync()[0] as number;
  assertFinite(total, `synthesis at step ${step}`);
  const [whole] = grads as [Tensor];
  const gradient = config.rounds === 1 ? whole : tf.tidy(() => whole.mul(joined(task, batches[batch] as number, step)));
  state.optimizer.apply(state.images, { [name]: gradient }, cosine(config.learningRate, step, config.steps), visit + 1);
  const moved = state.images[name] as Tensor;
  state.images[name] = moved.clipByValue(0, 1);
  tf.dispose([value, whole, gradient, moved]);
  return { total, ...parts };
}

/** Pixels as they are stored. Throws NUMERICS where the last step left one that is no number: uint8 would make it black. */
export const toBytes = (pixels: Tensor): Uint8Array =>
  Uint8Array.from(pixels.dataSync<'float32'>(), (value) => {
    assertFinite(value, 'the last step of synthesis');
    return Math.round(255 * value);
  });
