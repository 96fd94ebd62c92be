/** POOL_TRAINING: one base run kept at fractional epochs, then the untrained teachers; resumable at any checkpoint. */
import type { TeacherRef } from '../../src/domain/jobs/references.js';
import { teacherRef } from '../../src/domain/jobs/references.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/formats/safetensors.js';
import { putByDigest } from '../../src/platform/object-store/object-store.js';
import { encodeParameters, restore, snapshot } from '../nn/checkpoint.js';
import { sgd } from '../nn/optimizers.js';
import { initialize, type Parameters } from '../nn/parameters.js';
import { measureAccuracy } from '../nn/training.js';
import { networkOf, readImages } from '../teddy/dataset.js';
import { planPool, poolStep, randomTeacher } from '../teddy/pool.js';
import { tf } from '../tensor/tensorflow.js';
import type { Job } from './job.js';

const CHECKPOINT_EVERY = 200;

export const trainPool: Job<'POOL_TRAINING'> = async ({ dataset, config, seed }, context) => {
  const network = networkOf(config.architecture, dataset);
  const train = await readImages(context.store, dataset, dataset.train);
  const test = await readImages(context.store, dataset, dataset.test);
  const plan = planPool(config, train.labels.length);
  const resumed = context.resumeFrom === undefined ? undefined : readState(context.resumeFrom);
  const parameters = resumed?.parameters ?? initialize(network, seed);
  const optimizer = sgd(config, resumed?.slots);
  const teachers: TeacherRef[] = resumed?.teachers ?? [];

  const keep = async (kept: Parameters, about: Pick<TeacherRef, 'kind' | 'epoch'>) => {
    const { top1 } = await measureAccuracy(network, kept, test, dataset, context.breathe);
    const checkpoint = await putByDigest(context.store, 'checkpoints', encodeParameters(network, kept), '.safetensors');
    teachers.push({ index: teachers.length, architecture: config.architecture, ...about, accuracy: top1, checkpoint });
    context.metric('teacher accuracy', teachers.length, top1);
  };

  for (let step = resumed?.step ?? 0; step < plan.totalSteps; ) {
    const position = { seed, step, totalSteps: plan.totalSteps };
    const loss = poolStep({ network, parameters }, optimizer, train, dataset, config, position);
    step++;
    if (step % 10 === 0) context.metric('loss', step, loss);
    context.progress(step, plan.totalSteps, loss);
    const kept = plan.kept.filter((teacher) => teacher.step === step);
    for (const { epoch } of kept) await keep(parameters, { kind: 'EARLY_EPOCH', epoch });
    if (kept.length > 0 || step % CHECKPOINT_EVERY === 0 || step === plan.totalSteps) {
      await context.checkpoint(writeState(step, parameters, optimizer.state(), teachers), step);
    }
    await context.breathe();
  }
  const untrained = () => teachers.filter(({ kind }) => kind === 'RANDOM_INIT').length;
  while (untrained() < config.randomInitTeachers) {
    const random = randomTeacher(network, train, dataset, seed, untrained());
    await keep(random, { kind: 'RANDOM_INIT', epoch: null });
    tf.dispose(random);
  }
  tf.dispose(parameters);
  optimizer.dispose();
  return { teachers };
};

function writeState(step: number, parameters: Parameters, slots: Parameters, teachers: TeacherRef[]): Buffer {
  const named = (prefix: string, tensors: Parameters) =>
    Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${prefix}${name}`, tensor]));
  const tensors = { ...named('parameter/', parameters), ...named('slot/', slots) };
  return encodeSafetensors(snapshot(tensors), { step: String(step), teachers: JSON.stringify(teachers) });
}

function readState(bytes: Buffer) {
  const { metadata } = decodeSafetensors(bytes);
  return {
    step: Number(metadata.step),
    teachers: teacherRef.array().parse(JSON.parse(metadata.teachers ?? '[]')),
    parameters: restore(bytes, 'parameter/'),
    slots: restore(bytes, 'slot/'),
  };
}
