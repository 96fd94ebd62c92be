/** Soft labels: mean logits of an ensemble, one vector a sample (STATIC), or one for every view a student is to see (FKD). */
import type { ImageShape, LabelConfig } from '../../src/domain/config.js';
import { TeddyhubError } from '../../src/domain/errors.js';
import { halvesOf } from '../../src/formats/float16.js';
import type { LabelledViews, Views } from '../../src/formats/labels.js';
import { type FrozenNetwork, forwardFrozen } from '../nn/frozen.js';
import type { Normalization } from '../nn/training.js';
import { drawViews, type HostImages, normalize, renderViews } from '../nn/views.js';
import { type Tensor2D, type Tensor4D, valuesOf } from '../tensor/tensorflow.js';

export interface Labeller {
  readonly ensemble: readonly FrozenNetwork[];
  /** Size of the images that the networks take. */
  readonly shape: ImageShape;
  readonly normalization: Normalization;
}

/** Mean logits [n, classes] of the ensemble for images as fractions. */
function ensembleLogits({ ensemble, normalization }: Labeller, images: Tensor4D): Tensor2D {
  const x = normalize(images, normalization);
  const each = ensemble.map((frozen) => forwardFrozen(frozen, x, { moments: false }).logits);
  return each.reduce((sum, logits) => sum.add(logits)).div(each.length);
}

function finite(logits: Float32Array): Float32Array {
  if (logits.every((logit) => Math.abs(logit) < 65_504)) return logits;
  throw new TeddyhubError(
    'NUMERICS',
    'A teacher gave logits beyond the range of float16: leave it out of the ensemble.',
  );
}

/** Labels one batch of views as a student will see it, mix included. */
export function labelViews(labeller: Labeller, set: HostImages, views: Views): LabelledViews {
  const logits = valuesOf(() => ensembleLogits(labeller, renderViews(set, labeller.shape, views)));
  return { ...views, logits: halvesOf(finite(logits)) };
}

/** The labelled views of training step `step`, drawn by the seed. */
export function labelStep(
  labeller: Labeller,
  set: HostImages,
  samples: number,
  config: LabelConfig,
  seed: number,
  step: number,
): LabelledViews {
  const views = drawViews(config, labeller.shape, { seed, step, samples, batchSize: config.fkdBatchSize });
  return labelViews(labeller, set, views);
}

const STATIC_BATCH = 250;

/** Mean logits over `staticViews` unmixed views of every sample, as float16 bits [samples, classes]. */
export async function staticLabels(
  labeller: Labeller,
  set: HostImages,
  samples: number,
  config: LabelConfig,
  seed: number,
  breathe: () => Promise<void>,
): Promise<Uint16Array> {
  const classes = labeller.ensemble[0]?.network.classes ?? 0;
  const sums = new Float64Array(samples * classes);
  for (let view = 0; view < config.staticViews; view++) {
    for (let start = 0; start < samples; start += STATIC_BATCH) {
      const n = Math.min(STATIC_BATCH, samples - start);
      const place = { seed, step: view * samples + start, samples: n, batchSize: n };
      const drawn = drawViews({ ...config, mix: 'NONE' }, labeller.shape, place);
      const views = { ...drawn, sample: Int32Array.from({ length: n }, (_, i) => start + i) };
      const logits = valuesOf(() => ensembleLogits(labeller, renderViews(set, labeller.shape, views)));
      finite(logits).forEach((logit, i) => {
        sums[start * classes + i] = (sums[start * classes + i] as number) + logit / config.staticViews;
      });
      await breathe();
    }
  }
  return halvesOf(sums);
}
