/** Synthesis: Adam on the pixels of one task's images against a pool of teachers. */
import { cellShape, type ImageShape } from '../../src/domain/config/architecture.js';
import type { SynthesisConfig } from '../../src/domain/config/run.js';
import { random } from '../../src/domain/random.js';
import { adam, cosine, type Optimizer } from '../nn/optimizers.js';
import { assertFinite, type Normalization } from '../nn/training.js';
import { augmentationBoxes, gatherImages, type HostImages, normalize } from '../nn/views.js';
import { averagePool, crop, resize } from '../tensor/kernels/index.js';
import { type Scalar, type Tensor, type Tensor2D, type Tensor4D, tf } from '../tensor/tensorflow.js';
import { type BatchLabels, matchingLoss, type Target } from './matching.js';

/** What a task makes: imagesPerClass * formation^2 samples of each of its classes, ordered by image slot, then class, then cell. */
export interface SynthesisTask {
  readonly config: SynthesisConfig;
  readonly shape: ImageShape;
  /** Their positions in the dataset. */
  readonly classes: readonly number[];
  readonly seed: number;
  readonly taskIndex: number;
  /** Full images' worth of every class that tasks before this one make. */
  readonly firstImage: number;
  /** Full images' worth of each of its classes. */
  readonly imagesPerClass: number;
}

export function labelsOf({ classes, imagesPerClass, config: { formation } }: SynthesisTask): Int32Array {
  const cells = formation ** 2;
  return Int32Array.from(
    { length: imagesPerClass * classes.length * cells },
    (_, i) => classes[Math.floor(i / cells) % classes.length] as number,
  );
}

/** Initial pixels [n, h / f, w / f, c] as fractions: uniform noise. */
export function noiseImages(task: SynthesisTask): Tensor4D {
  const { height, width, channels } = cellShape(task.shape, task.config.formation);
  const samples = labelsOf(task).length;
  const { uniform } = random(task.seed, 'synthesis/noise', task.taskIndex);
  const pixels = Float32Array.from({ length: samples * height * width * channels }, uniform);
  return tf.tensor4d(pixels, [samples, height, width, channels]);
}

/** Which image every sample starts from: the first of its class in the order of `drawn`, other ones in every task while they last. */
export function initialPositions(task: SynthesisTask, drawn: readonly Int32Array[]): number[] {
  const used = new Int32Array(drawn.length).fill(task.firstImage * task.config.formation ** 2);
  return Array.from(labelsOf(task), (label) => {
    const order = drawn[label] as Int32Array;
    const position = used[label] as number;
    used[label] = position + 1;
    return order[position % order.length] as number;
  });
}

/** Initial pixels of the images at these positions: a cell's are means of f x f of them. */
export function initialImages(task: SynthesisTask, source: HostImages, positions: readonly number[]): Tensor4D {
  const { formation } = task.config;
  return tf.tidy(() => {
    const images = gatherImages(source, positions);
    return formation === 1 ? images : averagePool(images, formation);
  });
}

export interface SynthesisState {
  /** Pixels as fractions, under the name `images`. */
  readonly images: Record<'images', Tensor>;
  /** Moments that the teachers remember, by their position in the pool. */
  readonly memory: Record<string, Tensor>;
  readonly optimizer: Optimizer;
}

export const synthesisOptimizer = (resume: Record<string, Tensor> = {}): Optimizer =>
  adam({ beta1: 0.5, beta2: 0.9, weightDecay: 0 }, resume);

/** Positions in the pool of the teachers of one step, no two of them the same: of a smaller pool all. */
export function teachersAt({ config, seed, taskIndex }: SynthesisTask, pool: number, step: number): number[] {
  const { teacherOrder } = config;
  const count = Math.min(config.teachersPerStep, pool);
  if (teacherOrder === 'RANDOM') {
    const drawn = random(seed, 'synthesis/teachers', taskIndex, step).permutation(pool);
    return Array.from(drawn.subarray(0, count));
  }
  return Array.from({ length: count }, (_, i) => (step * count + i) % pool);
}

/**
 * 1 for the images that have joined by this step, 0 for those of later rounds, [n, 1, 1, 1]: of R rounds, an R-th of the slots
 * each joins every R-th of the steps, and all of them before the end, however few steps there are. Adam leaves what has had no
 * gradient yet where it is.
 */
function joined(
  { config: { rounds, steps, formation }, classes, imagesPerClass }: SynthesisTask,
  step: number,
): Tensor {
  const samplesPerSlot = classes.length * formation ** 2;
  const roundOf = (sample: number) => Math.floor((Math.floor(sample / samplesPerSlot) * rounds) / imagesPerClass);
  const isIn = (sample: number) => Math.floor((roundOf(sample) * steps) / rounds) <= step;
  const values = Float32Array.from({ length: imagesPerClass * samplesPerSlot }, (_, sample) => (isIn(sample) ? 1 : 0));
  return tf.tensor4d(values, [values.length, 1, 1, 1]);
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
  labels: BatchLabels,
  normalization: Normalization,
  step: number,
): StepLosses {
  const { config, shape, seed, taskIndex } = task;
  const pixels = state.images.images as Tensor4D;
  const source = random(seed, 'synthesis/augment', taskIndex, step);
  const boxes = augmentationBoxes(config.augmentation, config.cropScaleMin, shape, pixels.shape[0], source);
  const chosen = teachersAt(task, pool.length, step);
  const parts = { crossEntropy: 0, moments: 0, classMeans: 0 };
  const news: Record<string, Tensor2D> = {};
  const { value, grads } = tf.engine().gradients(() => {
    const view = normalize(crop(resize(pixels, shape.height, shape.width), boxes), normalization);
    const totals = chosen.map((k) => {
      const target = pool[k] as Target;
      const { total, remembered, ...loss } = matchingLoss(
        target,
        view,
        labels,
        config,
        state.memory[k] as Tensor2D | undefined,
      );
      if (remembered) news[k] = remembered;
      for (const key of ['crossEntropy', 'moments', 'classMeans'] as const) {
        parts[key] += (loss[key].dataSync()[0] as number) / chosen.length;
      }
      return total;
    });
    return totals.reduce((sum, total) => sum.add(total) as Scalar).div(chosen.length) as Scalar;
  }, [pixels]);
  for (const [k, remembered] of Object.entries(news)) {
    state.memory[k]?.dispose();
    state.memory[k] = remembered;
  }
  const total = value.dataSync()[0] as number;
  assertFinite(total, `synthesis at step ${step}`);
  const [whole] = grads as [Tensor];
  const gradient = config.rounds === 1 ? whole : tf.tidy(() => whole.mul(joined(task, step)));
  state.optimizer.apply(state.images, { images: gradient }, cosine(config.learningRate, step, config.steps), step + 1);
  const moved = state.images.images;
  state.images.images = moved.clipByValue(0, 1);
  tf.dispose([value, whole, gradient, moved]);
  return { total, ...parts };
}

/** Pixels as they are stored. Throws NUMERICS where the last step left one that is no number: uint8 would make it black. */
export const toBytes = (pixels: Tensor): Uint8Array =>
  Uint8Array.from(pixels.dataSync<'float32'>(), (value) => {
    assertFinite(value, 'the last step of synthesis');
    return Math.round(255 * value);
  });
