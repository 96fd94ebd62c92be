/** SYNTHESIS: one task's images of its classes, distilled against the pool; resumable to the same bits. */
import { cellShape } from '../../src/domain/config/architecture.js';
import { weightOf } from '../../src/domain/config/run.js';
import type { JobPayload } from '../../src/domain/jobs/contracts.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/formats/safetensors.js';
import { getVerified, putByDigest } from '../../src/platform/object-store/object-store.js';
import { restore, snapshot, under } from '../nn/checkpoint.js';
import { type Crop, chooseCrops, cropCandidates, cutCrops } from '../teddy/baselines.js';
import { drawnByClass, indicesByClass, loadTeacher, readChosenImages } from '../teddy/dataset.js';
import { batchLabels, type Target, targetOf } from '../teddy/matching.js';
import { decodeStatistics } from '../teddy/statistics.js';
import {
  initialImages,
  initialPositions,
  labelsOf,
  noiseImages,
  type StepLosses,
  type SynthesisTask,
  synthesisOptimizer,
  synthesisStep,
  toBytes,
} from '../teddy/synthesis.js';
import { type Tensor, type Tensor4D, tf } from '../tensor/tensorflow.js';
import type { Job, JobContext } from './job.js';

const METRIC_EVERY = 10;

export const synthesize: Job<'SYNTHESIS'> = async (payload, context) => {
  const { dataset, teachers, config, seed, taskIndex, classes, firstImage, imagesPerClass } = payload;
  const { store, resumeFrom } = context;
  const task: SynthesisTask = {
    config,
    shape: dataset.shape,
    classes,
    seed,
    taskIndex,
    firstImage,
    imagesPerClass,
  };
  const pool: Target[] = [];
  for (const teacher of teachers) {
    const frozen = await loadTeacher(store, dataset, teacher);
    const statistics = decodeStatistics(frozen.network, await getVerified(store, teacher.statistics));
    pool.push(targetOf(frozen, statistics, weightOf(config, teacher.architecture)));
  }
  const labels = labelsOf(task);
  const batch = batchLabels(labels, dataset.classNames.length);
  const resumed = resumeFrom && decodeSafetensors(resumeFrom).metadata;
  const state = {
    images: {
      images: resumeFrom
        ? (restore(resumeFrom, 'images/').images as Tensor)
        : await startingImages(payload, task, pool, context),
    },
    memory: resumeFrom ? restore(resumeFrom, 'memory/') : {},
    optimizer: synthesisOptimizer(resumeFrom && restore(resumeFrom, 'slot/')),
  };
  const recent = recentLosses(pool.length, config.teachersPerStep, JSON.parse(resumed?.recent ?? '[]'));

  for (let step = Number(resumed?.step ?? 0); step < config.steps; ) {
    recent.add(synthesisStep(task, state, pool, batch, dataset, step));
    step++;
    context.progress(step, config.steps, recent.mean().total);
    if (step % METRIC_EVERY === 0 || step === config.steps) report(context.metric, step, recent.mean());
    if ((step % config.checkpointEvery === 0 || context.stopping()) && step < config.steps) {
      const slots = state.optimizer.state();
      const tensors = {
        ...under('images/', state.images),
        ...under('memory/', state.memory),
        ...under('slot/', slots),
      };
      const metadata = { step: String(step), recent: JSON.stringify(recent.all()) };
      const bytes = encodeSafetensors(snapshot(tensors), metadata);
      tf.dispose(slots);
      await context.checkpoint(bytes, step);
    }
    await context.breathe();
  }
  const { height, width, channels } = cellShape(dataset.shape, config.formation);
  const file = encodeSafetensors({
    images: { dtype: 'U8', shape: [labels.length, height, width, channels], data: toBytes(state.images.images) },
    labels: { dtype: 'I32', shape: [labels.length], data: labels },
  });
  tf.dispose([state.images, state.memory]);
  state.optimizer.dispose();
  const images = await putByDigest(store, 'synthetic', file, '.safetensors');
  return { images, samples: labels.length, finalLoss: recent.mean().total };
};

/** Initial pixels of the task's samples, as fractions. */
async function startingImages(
  { dataset, teachers, config, seed, classes }: JobPayload<'SYNTHESIS'>,
  task: SynthesisTask,
  pool: readonly Target[],
  context: JobContext,
): Promise<Tensor4D> {
  if (config.init === 'NOISE') return noiseImages(task);
  const drawnOf = (all: Int32Array) =>
    drawnByClass(indicesByClass(all, dataset.classNames, config.imagesPerClass), seed);
  if (config.init === 'RANDOM_REAL') {
    const drawn = await readChosenImages(context, dataset, (all) => initialPositions(task, drawnOf(all)));
    return initialImages(task, drawn, [...drawn.labels.keys()]);
  }
  // A network that has learned nothing would be sure of any crop.
  const trained = teachers.map(({ kind }) => kind !== 'RANDOM_INIT');
  const ensemble = pool
    .map(({ frozen }, i) => ({ frozen, accuracy: teachers[i]?.accuracy ?? 0 }))
    .filter((_, i) => trained[i]);
  const labeller = { ensemble, weighting: 'PLAIN', shape: dataset.shape, normalization: dataset } as const;
  const wanted = { classes, imagesPerClass: config.imagesPerClass * config.formation ** 2, seed };
  const candidates = await readChosenImages(context, dataset, (all) => {
    const drawn = drawnOf(all);
    return classes.flatMap((c) => [...cropCandidates(drawn[c] as Int32Array, wanted.imagesPerClass)]);
  });
  const byClass = indicesByClass(candidates.labels, dataset.classNames, 0);
  const crops = await chooseCrops(labeller, candidates, byClass, wanted, () => context.breathe());
  const ofClass = indicesByClass(
    Int32Array.from(crops, ({ label }) => label),
    dataset.classNames,
    0,
  );
  // The choice is of the whole run, and the pixels of this task alone: they are what takes memory.
  const own = initialPositions(task, ofClass).map((position) => crops[position] as Crop);
  return initialImages(task, cutCrops(candidates, dataset.shape, own), [...own.keys()]);
}

/**
 * The losses of the last steps in which all teachers had as many turns. The loss of a step is that of its teachers, who differ by more
 * than many steps change: a curve of every tenth step would be one of some of them.
 */
function recentLosses(pool: number, teachersPerStep: number, earlier: readonly StepLosses[]) {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  const turns = pool / divisor(pool, teachersPerStep);
  let losses = [...earlier];
  const meanOf = (part: keyof StepLosses) =>
    losses.reduce((sum, one) => sum + one[part], 0) / Math.max(1, losses.length);
  return {
    add(one: StepLosses): void {
      losses = [...losses, one].slice(-turns);
    },
    all: () => losses,
    mean: (): StepLosses => ({
      total: meanOf('total'),
      crossEntropy: meanOf('crossEntropy'),
      moments: meanOf('moments'),
      classMeans: meanOf('classMeans'),
    }),
  };
}

function report(metric: (name: string, step: number, value: number) => void, step: number, losses: StepLosses): void {
  metric('loss', step, losses.total);
  metric('loss/crossEntropy', step, losses.crossEntropy);
  metric('loss/moments', step, losses.moments);
  metric('loss/classMeans', step, losses.classMeans);
}
