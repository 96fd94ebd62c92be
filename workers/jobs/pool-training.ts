/**
 * POOL_TRAINING: imported teachers, then for every architecture and batch size one base run kept at fractional epochs, the pruned teachers
 * made of its end, and the untrained ones; resumable at any checkpoint to the same bytes.
 */
import type { TeacherRef } from '../../src/domain/jobs/references.js';
import { teacherRef } from '../../src/domain/jobs/references.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/formats/safetensors.js';
import { putByDigest } from '../../src/platform/object-store/object-store.js';
import { encodeParameters, restore, snapshot, under } from '../nn/checkpoint.js';
import type { Network } from '../nn/network.js';
import { sgd } from '../nn/optimizers.js';
import { initialize, type Parameters } from '../nn/parameters.js';
import { measureAccuracy, withNewMoments, withoutInitialMoments } from '../nn/training.js';
import { networkOf, readImages } from '../teddy/dataset.js';
import { readImported } from '../teddy/imported.js';
import { planPool, poolStep, randomTeacher, type TrainingPhase } from '../teddy/pool.js';
import { applyMask, pruningMask } from '../teddy/pruning.js';
import { tf } from '../tensor/tensorflow.js';
import type { Job } from './job.js';

const CHECKPOINT_EVERY = 200;

export const trainPool: Job<'POOL_TRAINING'> = async ({ dataset, config, imported, seed: poolSeed }, context) => {
  const train = await readImages(context, dataset, dataset.train);
  const test = await readImages(context, dataset, dataset.test);
  const phases = planPool(config, poolSeed, train.labels.length);
  // All of them before the first step: a network that cannot take the images is found before hours of another.
  const networks = phases.map(({ architecture }) => networkOf(architecture, dataset));
  const stepsOf = (some: typeof phases) => some.reduce((sum, phase) => sum + ('steps' in phase ? phase.steps : 0), 0);
  const totalSteps = stepsOf(phases);
  const resumed = context.resumeFrom === undefined ? undefined : readState(context.resumeFrom);
  const teachers: TeacherRef[] = resumed?.teachers ?? [];
  /** The end of the base run that pruned teachers are made of; empty during a base run. */
  let base: Parameters = resumed?.base ?? {};

  const keep = async (
    network: Network,
    kept: Parameters,
    about: Pick<TeacherRef, 'kind' | 'architecture' | 'epoch'>,
  ) => {
    const { top1 } = await measureAccuracy(network, kept, test, dataset, context.breathe);
    const checkpoint = await putByDigest(context.store, 'checkpoints', encodeParameters(network, kept), '.safetensors');
    teachers.push({ index: teachers.length, ...about, accuracy: top1, checkpoint });
  };

  /** Runs a phase to its end, from where an earlier attempt left it; answers its parameters. */
  const runTraining = async (network: Network, phase: TrainingPhase, at: number): Promise<Parameters> => {
    const own = resumed?.phase === at ? resumed : undefined;
    const mask = phase.kind === 'PRUNED' ? pruningMask(network, base, phase.ratio) : {};
    const parameters =
      own?.parameters ?? (phase.kind === 'BASE' ? initialize(network, phase.seed) : withNewMoments(base));
    const optimizer = sgd(config, own?.slots);
    const before = stepsOf(phases.slice(0, at));
    applyMask(parameters, mask);
    for (let step = own?.step ?? 0; step < phase.steps; ) {
      const { seed, batchSize } = phase;
      const position = { seed, batchSize, step, rate: phase.rateAt(step) };
      const loss = poolStep({ network, parameters }, optimizer, train, dataset, config, position);
      applyMask(parameters, mask);
      step++;
      const done = before + step;
      context.progress(done, totalSteps, loss);
      const kept = phase.kept.filter((teacher) => teacher.step === step);
      for (const { kind, epoch } of kept) {
        const settled = withoutInitialMoments(parameters, step);
        await keep(network, settled, { kind, architecture: phase.architecture, epoch });
        tf.dispose(settled);
      }
      if (kept.length > 0 || step % CHECKPOINT_EVERY === 0 || step === phase.steps || context.stopping()) {
        const slots = optimizer.state();
        const bytes = writeState({ phase: at, step, teachers, parameters, slots, base });
        tf.dispose(slots);
        await context.checkpoint(bytes, done);
      }
      await context.breathe();
    }
    optimizer.dispose();
    tf.dispose(mask);
    return parameters;
  };

  for (const [at, phase] of phases.entries()) {
    if (at < (resumed?.phase ?? 0)) continue;
    const { kind, architecture } = phase;
    const network = networks[at] as Network;
    if (kind === 'BASE') {
      tf.dispose(base);
      base = {};
      base = await runTraining(network, phase, at);
    } else if (kind === 'PRUNED') {
      tf.dispose(await runTraining(network, phase, at));
    } else {
      const parameters =
        kind === 'IMPORTED'
          ? await readImported(context.store, network, phase, imported[phase.index])
          : randomTeacher(network, architecture, train, dataset, phase);
      await keep(network, parameters, { kind, architecture, epoch: null });
      tf.dispose(parameters);
    }
  }
  tf.dispose(base);
  return { teachers };
};

/** Where an attempt is: after `step` steps of the phase at this position, with the teachers so far. */
interface State {
  readonly phase: number;
  readonly step: number;
  readonly teachers: TeacherRef[];
  readonly parameters: Parameters;
  readonly slots: Parameters;
  readonly base: Parameters;
}

function writeState({ phase, step, teachers, parameters, slots, base }: State): Buffer {
  const tensors = { ...under('parameter/', parameters), ...under('slot/', slots), ...under('base/', base) };
  const metadata = { phase: String(phase), step: String(step), teachers: JSON.stringify(teachers) };
  return encodeSafetensors(snapshot(tensors), metadata);
}

function readState(bytes: Buffer): State {
  const { metadata } = decodeSafetensors(bytes);
  return {
    phase: Number(metadata.phase),
    step: Number(metadata.step),
    teachers: teacherRef.array().parse(JSON.parse(metadata.teachers ?? '[]')),
    parameters: restore(bytes, 'parameter/'),
    slots: restore(bytes, 'slot/'),
    base: restore(bytes, 'base/'),
  };
}
