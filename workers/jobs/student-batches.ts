/** What a student sees step by step, by kind of label: stored views and labels of a set, or the same functions' of real images. */
import { FKD_STEPS_PER_FILE, type LabelConfig, storedSteps } from '../../src/domain/config/run.js';
import { TeddyhubError } from '../../src/domain/errors.js';
import type { JobPayload, JobResult } from '../../src/domain/jobs/contracts.js';
import type { ObjectRef } from '../../src/domain/jobs/references.js';
import { halvesOf } from '../../src/formats/float16.js';
import { decodeLabels, type LabelledViews } from '../../src/formats/labels.js';
import { getVerified, type ObjectStore } from '../../src/platform/object-store/object-store.js';
import type { LabelledImages } from '../nn/training.js';
import { drawViews } from '../nn/views.js';
import { type Labeller, labelStep, loadLabeller, staticLabels } from '../teddy/labels.js';
import type { StudentBatch } from '../teddy/students.js';
import type { JobContext } from './job.js';

type Payload = JobPayload<'EVALUATION'>;
type LabelKind = JobResult<'EVALUATION'>['results'][number]['labelKind'];

export interface StudentSet extends LabelledImages {
  /** Logits [samples, classes] that a published set has; null where it has none. */
  readonly staticLogits?: Float32Array | null;
}

/** The batch of a step; steps are asked for in ascending order. */
export type BatchAt = (step: number) => StudentBatch | Promise<StudentBatch>;

type Batches = (
  payload: Payload,
  context: JobContext,
  set: StudentSet,
  labeller: () => Promise<Labeller>,
) => Promise<BatchAt>;

/** The labelling teachers of a job, loaded when they are first asked for, and once: frozen networks live as long as the process. */
export function labellerOf(
  { dataset, labelTeachers, labelConfig }: Payload,
  { store }: JobContext,
): () => Promise<Labeller> {
  let loading: Promise<Labeller> | undefined;
  return () => {
    loading ??= loadLabeller(store, dataset, labelTeachers, labelConfig);
    return loading;
  };
}

/** A set's stored views, from the first again where the student trains longer than they last; labels made on the way for real images. */
const soft: Batches = async (payload, { store }, set, labellerOfJob) => {
  const { labelConfig, recipe, seed } = payload;
  if (recipe.batchSize !== labelConfig.fkdBatchSize) {
    throw new TeddyhubError(
      'INVALID_INPUT',
      `The labels were stored for batches of ${labelConfig.fkdBatchSize}, the recipe asks for ${recipe.batchSize}: use the same.`,
    );
  }
  if (payload.subject === 'DISTILLED_SET') {
    if (payload.fkd.length === 0) throw lacks('FKD');
    const viewsAt = storedViews(store, payload.fkd);
    return async (step) => ({ kind: 'SOFT', views: await viewsAt(step % storedSteps(labelConfig)) });
  }
  const labeller = await labellerOfJob();
  const samples = set.labels.length;
  return (step) => ({
    kind: 'SOFT',
    views: labelStep(labeller, set, samples, labelConfig, seed, step % storedSteps(labelConfig)),
  });
};

/** The views of a stored step, one file in memory at a time: all of a long student's with many classes are gigabytes. */
function storedViews(store: ObjectStore, files: readonly ObjectRef[]): (step: number) => Promise<LabelledViews> {
  let held: { index: number; batches: readonly LabelledViews[] } | undefined;
  return async (step) => {
    const index = Math.floor(step / FKD_STEPS_PER_FILE);
    if (held?.index !== index) {
      const file = files[index];
      if (file === undefined)
        throw new TeddyhubError('OBJECT_MISSING', `The set has no label file of step ${step}: distil it again.`);
      held = { index, batches: decodeLabels(await getVerified(store, file)).batches };
    }
    const views = held.batches[step % FKD_STEPS_PER_FILE];
    if (views === undefined)
      throw new TeddyhubError('OBJECT_CORRUPT', `Label file ${files[index]?.key} lacks step ${step}.`);
    return views;
  };
}

const lacks = (mode: string): TeddyhubError =>
  new TeddyhubError('INVALID_INPUT', `The set has no ${mode} labels to train a student on.`);

/** One vector a sample, not made before it is needed: an attempt that goes on after this student makes none. */
function ofSamples(
  { dataset, recipe, seed }: Payload,
  set: StudentSet,
  seen: LabelConfig,
  vectors: () => Promise<Uint16Array>,
): BatchAt {
  const samples = set.labels.length;
  const place = { seed, samples, batchSize: recipe.batchSize };
  let making: Promise<Uint16Array> | undefined;
  return async (step) => {
    making ??= vectors();
    const logits = await making;
    const classes = logits.length / samples;
    const views = drawViews({ ...seen, mix: 'NONE' }, dataset.shape, { ...place, step });
    const own = new Uint16Array(views.sample.length * classes);
    views.sample.forEach((sample, i) => {
      own.set(logits.subarray(sample * classes, (sample + 1) * classes), i * classes);
    });
    return { kind: 'SOFT', views: { ...views, logits: own } };
  };
}

/** One vector a sample, whatever is seen of it: views as the stored ones, but for the mix. */
const fixed: Batches = async (payload, { breathe }, set, labellerOfJob) => {
  const { labelConfig, seed } = payload;
  const { staticLogits } = set;
  if (staticLogits === null) throw lacks('STATIC');
  if (staticLogits !== undefined) {
    const stored = halvesOf(staticLogits);
    return ofSamples(payload, set, labelConfig, async () => stored);
  }
  // Teachers that cannot be read are told of before the first student.
  const labeller = await labellerOfJob();
  const vectors = () => staticLabels(labeller, set, set.labels.length, labelConfig, seed, { breathe });
  return ofSamples(payload, set, labelConfig, vectors);
};

const hard: Batches = async ({ labelConfig, dataset, recipe, seed }, _, set) => {
  const place = { seed, samples: set.labels.length, batchSize: recipe.batchSize };
  return (step) => ({ kind: 'HARD', views: drawViews(labelConfig, dataset.shape, { ...place, step }) });
};

/** Whole images as they are, with all of the ensemble's logits for them: neither crop, flip nor mix. */
const plain: Batches = async (payload, { breathe }, set, labellerOfJob) => {
  const whole = { ...payload.labelConfig, cropScaleMin: 1, flip: false };
  const labeller = await labellerOfJob();
  const vectors = () => staticLabels(labeller, set, set.labels.length, whole, payload.seed, { breathe });
  return ofSamples(payload, set, whole, vectors);
};

export const BATCHES: Readonly<Record<LabelKind, Batches>> = {
  SOFT: soft,
  HARD: hard,
  SOFT_PLAIN: plain,
  STATIC: fixed,
};
