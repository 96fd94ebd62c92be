/** Soft labels: mean logits of an ensemble, one vector a sample (STATIC), or one for every view a student is to see (FKD). */
import type { ImageShape } from '../../src/domain/config/architecture.js';
import type { LabelConfig } from '../../src/domain/config/run.js';
import { TeddyhubError } from '../../src/domain/errors.js';
import type { DatasetRef, TeacherRef } from '../../src/domain/jobs/references.js';
import { halvesOf } from '../../src/formats/float16.js';
import { keepLargest, type LabelledViews, type Views } from '../../src/formats/labels.js';
import type { ObjectStore } from '../../src/platform/object-store/object-store.js';
import { type FrozenNetwork, forwardFrozen } from '../nn/frozen.js';
import { type Normalization, passBatch } from '../nn/training.js';
import { drawViews, type HostImages, normalize, renderViews, viewsInOrder } from '../nn/views.js';
import { type Scalar, type Tensor2D, type Tensor4D, tf, valuesOf } from '../tensor/tensorflow.js';
import { loadTeacher } from './dataset.js';

/** A teacher of the ensemble. */
export interface Expert {
  readonly frozen: FrozenNetwork;
  /** Top-1 on the test split, percent. */
  readonly accuracy: number;
}

export interface Labeller {
  readonly ensemble: readonly Expert[];
  readonly weighting: LabelConfig['weighting'];
  /** Size of the images that the networks take. */
  readonly shape: ImageShape;
  readonly normalization: Normalization;
}

/**
 * Logits [n, classes] of the ensemble for images as fractions. NORM_BALANCED brings every teacher's logits to the mean of
 * the ensemble's Frobenius norms over the batch (G-VBSM, CVPR 2024); ACCURACY weighs teachers by softmax(accuracy / 10)
 * (CV-DD).
 */
function ensembleLogits({ ensemble, weighting, normalization }: Labeller, images: Tensor4D): Tensor2D {
  const x = normalize(images, normalization);
  const each = ensemble.map(({ frozen }) => logitsInPasses(frozen, x));
  const weights = each.map(() => 1 / each.length) as (number | Scalar)[];
  if (weighting === 'NORM_BALANCED') {
    const norms = each.map((logits) => logits.norm() as Scalar);
    const mean = norms.reduce((sum, norm) => sum.add(norm)).div(norms.length);
    norms.forEach((norm, k) => {
      weights[k] = mean.div(norm.mul(each.length)) as Scalar;
    });
  }
  if (weighting === 'ACCURACY') {
    const best = Math.max(...ensemble.map(({ accuracy }) => accuracy));
    const shares = ensemble.map(({ accuracy }) => Math.exp((accuracy - best) / 10));
    const total = shares.reduce((sum, share) => sum + share, 0);
    shares.forEach((share, k) => {
      weights[k] = share / total;
    });
  }
  return each
    .map((logits, k) => logits.mul(weights[k] as number | Scalar))
    .reduce((sum, logits) => sum.add(logits)) as Tensor2D;
}

/** A batch of 4,096 views is for the student to bear; here it need not be. */
function logitsInPasses(frozen: FrozenNetwork, x: Tensor4D): Tensor2D {
  const [count, height, width] = x.shape;
  const together = passBatch({ height, width });
  const logits: Tensor2D[] = [];
  for (let first = 0; first < count; first += together) {
    const part = together < count ? x.slice(first, Math.min(together, count - first)) : x;
    logits.push(forwardFrozen(frozen, part).logits);
  }
  return logits.length === 1 ? (logits[0] as Tensor2D) : tf.concat2d(logits, 0);
}

function finite(logits: Float32Array): Float32Array {
  if (logits.every((logit) => Math.abs(logit) < 65_504)) return logits;
  throw new TeddyhubError(
    'NUMERICS',
    'A teacher gave logits beyond the range of float16: leave it out of the ensemble.',
  );
}

/** Labels one batch of views as a student will see it, mix included. Throws NUMERICS. */
export function labelViews(labeller: Labeller, set: HostImages, views: Views, topK: number): LabelledViews {
  const logits = valuesOf(() => ensembleLogits(labeller, renderViews(set, labeller.shape, views)));
  const classes = logits.length / views.sample.length;
  return { ...views, logits: keepLargest(halvesOf(finite(logits)), classes, topK) };
}

/** Loads a job's labelling teachers as one ensemble. Its networks are never disposed of: they live as long as the process. */
export async function loadLabeller(
  store: ObjectStore,
  dataset: DatasetRef,
  teachers: readonly TeacherRef[],
  { weighting }: Pick<LabelConfig, 'weighting'>,
): Promise<Labeller> {
  const ensemble: Expert[] = [];
  for (const teacher of teachers) {
    ensemble.push({ frozen: await loadTeacher(store, dataset, teacher), accuracy: teacher.accuracy });
  }
  return { ensemble, weighting, shape: dataset.shape, normalization: dataset };
}

/** The labelled views of training step `step`, drawn by the seed. Throws NUMERICS. */
export function labelStep(
  labeller: Labeller,
  set: HostImages,
  samples: number,
  config: LabelConfig,
  seed: number,
  step: number,
): LabelledViews {
  const views = drawViews(config, labeller.shape, { seed, step, samples, batchSize: config.fkdBatchSize });
  return labelViews(labeller, set, views, config.topK);
}

/** Of a pass over all samples: what is known of the first `done`, zeros behind it. */
export interface StaticPass {
  /** float16 bits [samples, classes] */
  readonly means: Uint16Array;
  readonly done: number;
}

export interface StaticReports {
  breathe(): Promise<void>;
  /** Called when the views of some more samples are through, with what `earlier` takes. */
  passed?(pass: StaticPass): Promise<void>;
}

/** How many views of a sample differ: where they are neither cropped nor flipped, they are all the same. */
export const staticPasses = ({ cropScaleMin, flip, staticViews }: LabelConfig): number =>
  cropScaleMin < 1 || flip ? staticViews : 1;

/**
 * Mean logits over `staticViews` unmixed views of every sample, as float16 bits [samples, classes]. Some samples through all of
 * their views at a time, so that sums are held of these alone; the same ones wherever an earlier pass broke off.
 * Throws NUMERICS.
 */
export async function staticLabels(
  labeller: Labeller,
  set: HostImages,
  samples: number,
  config: LabelConfig,
  seed: number,
  { breathe, passed }: StaticReports,
  earlier?: StaticPass,
): Promise<Uint16Array> {
  const classes = labeller.ensemble[0]?.frozen.network.classes ?? 0;
  const means = earlier ? Uint16Array.from(earlier.means) : new Uint16Array(samples * classes);
  const together = passBatch(labeller.shape);
  const passes = staticPasses(config);
  for (let start = earlier?.done ?? 0; start < samples; start += together) {
    const n = Math.min(together, samples - start);
    const sums = new Float64Array(n * classes);
    for (let pass = 0; pass < passes; pass++) {
      const views = viewsInOrder(config, labeller.shape, { seed, pass, start, n });
      const logits = valuesOf(() => ensembleLogits(labeller, renderViews(set, labeller.shape, views)));
      finite(logits).forEach((logit, i) => {
        sums[i] = (sums[i] as number) + logit / passes;
      });
      await breathe();
    }
    means.set(halvesOf(sums), start * classes);
    await passed?.({ means, done: start + n });
  }
  return means;
}
