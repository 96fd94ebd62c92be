/**
 * EVALUATION: one seed's students on a distilled set, or on real images under the very same recipe, a student a kind of label;
 * resumable to the same bits.
 */
import type { JobPayload, JobResult } from '../../src/domain/jobs/contracts.js';
import { readDistilledShards } from '../../src/formats/distilled-shards.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/formats/safetensors.js';
import { restore, snapshot, under } from '../nn/checkpoint.js';
import { type LabelledImages, measureAccuracy } from '../nn/training.js';
import { chooseCrops, cropCandidates, cutCrops } from '../teddy/baselines.js';
import { drawnByClass, indicesByClass, networkOf, readChosenImages, readImages } from '../teddy/dataset.js';
import { createStudent, isReading, measuredOf, type Student, studentStep } from '../teddy/students.js';
import { tf } from '../tensor/tensorflow.js';
import type { Job, JobContext } from './job.js';
import { BATCHES, type BatchAt, labellerOf, type StudentSet } from './student-batches.js';

type Payload = JobPayload<'EVALUATION'>;
type Result = JobResult<'EVALUATION'>['results'][number];
type LabelKind = Result['labelKind'];

/** What a checkpoint holds beside tensors: finished label kinds, and the state of the one in hand. */
interface Position {
  finished: Result[];
  step: number;
  readings: Result['readings'];
  /** Of the steps alone: a baseline makes its labels on the way, where a set's are read. */
  milliseconds: number;
}

const START = { step: 0, readings: [], milliseconds: 0 };

export const evaluate: Job<'EVALUATION'> = async (payload, context) => {
  const labeller = labellerOf(payload, context);
  const images = payload.subject === 'DISTILLED_SET' ? readSet : readBaseline;
  return evaluateOn(await images(payload, context, labeller), payload, context, labeller);
};

/** The same on images that have been read. */
export async function evaluateOn(
  set: StudentSet,
  payload: Payload,
  context: JobContext,
  labeller = labellerOf(payload, context),
): Promise<JobResult<'EVALUATION'>> {
  const { dataset, recipe, labelKinds, seed } = payload;
  const network = networkOf(recipe.architecture, dataset);
  const test = await readImages(context, dataset, dataset.test);
  // All of them before the first student: what is wrong with one is said before hours of another.
  const batches: Partial<Record<LabelKind, BatchAt>> = {};
  for (const labelKind of labelKinds) batches[labelKind] = await BATCHES[labelKind](payload, context, set, labeller);

  const earlier = context.resumeFrom && decodeSafetensors(context.resumeFrom).metadata.position;
  const position: Position = { finished: [], ...START, ...(earlier ? JSON.parse(earlier) : {}) };
  let resume = context.resumeFrom && {
    parameters: restore(context.resumeFrom, 'parameter/'),
    slots: restore(context.resumeFrom, 'slot/'),
    average: restore(context.resumeFrom, 'average/'),
  };
  const total = labelKinds.length * recipe.steps;
  for (const labelKind of labelKinds.slice(position.finished.length)) {
    const student = createStudent(network, recipe, seed, resume);
    resume = undefined;
    while (position.step < recipe.steps) {
      const batch = await (batches[labelKind] as BatchAt)(position.step);
      const began = performance.now();
      const loss = studentStep(student, set, batch, dataset, recipe, position.step);
      position.milliseconds += performance.now() - began;
      const done = ++position.step;
      context.progress(position.finished.length * recipe.steps + done, total, loss);
      if (isReading(recipe, done)) {
        const read = await measureAccuracy(network, measuredOf(student), test, dataset, () => context.breathe());
        position.readings = [...position.readings, { step: done, ...read }];
      }
      if ((done % recipe.checkpointEvery === 0 || context.stopping()) && done < recipe.steps) {
        const step = position.finished.length * recipe.steps + done;
        await context.checkpoint(writeState(student, position), step);
      }
      await context.breathe();
    }
    const { readings } = position;
    const best = (of: 'top1' | 'top5') => Math.max(...readings.map((reading) => reading[of]));
    const last = readings.at(-1) ?? { top1: 0, top5: 0 };
    position.finished.push({
      labelKind,
      top1Last: last.top1,
      top1Best: best('top1'),
      top5Last: last.top5,
      top5Best: best('top5'),
      studentSteps: recipe.steps,
      seconds: position.milliseconds / 1000,
      readings,
    });
    tf.dispose([student.parameters, student.average ?? {}]);
    student.optimizer.dispose();
    Object.assign(position, START);
  }
  return { results: position.finished };
}

function writeState({ parameters, optimizer, average = {} }: Student, position: Position): Buffer {
  const slots = optimizer.state();
  const tensors = {
    ...under('parameter/', parameters),
    ...under('slot/', slots),
    ...under('average/', average),
  };
  const bytes = encodeSafetensors(snapshot(tensors), { position: JSON.stringify(position) });
  tf.dispose(slots);
  return bytes;
}

async function readSet({ shards, dataset, labelKinds }: Payload, { store, scratch }: JobContext): Promise<StudentSet> {
  const options = { scratch, logits: labelKinds.includes('STATIC') };
  const { images, labels, height, width, staticLogits } = await readDistilledShards(store, shards, options);
  return { images, labels, height, width, channels: dataset.shape.channels, staticLogits };
}

/** The images of a baseline. */
export async function readBaseline(
  payload: Payload,
  context: JobContext,
  labeller = labellerOf(payload, context),
): Promise<LabelledImages> {
  const { dataset, imagesPerClass, seed } = payload;
  if (payload.subject === 'FULL_REAL') return readImages(context, dataset, dataset.train);
  const isRandom = payload.subject === 'RANDOM_REAL';
  const chosen = await readChosenImages(context, dataset, (labels) =>
    drawnByClass(indicesByClass(labels, dataset.classNames, imagesPerClass), seed).flatMap((drawn) => [
      ...(isRandom ? drawn.subarray(0, imagesPerClass) : cropCandidates(drawn, imagesPerClass)),
    ]),
  );
  if (isRandom) return chosen;
  const classes = dataset.classNames.map((_, c) => c);
  const byClass = indicesByClass(chosen.labels, dataset.classNames, 0);
  const wanted = { classes, imagesPerClass, seed };
  const crops = await chooseCrops(await labeller(), chosen, byClass, wanted, () => context.breathe());
  return cutCrops(chosen, dataset.shape, crops);
}
