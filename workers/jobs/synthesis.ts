/** SYNTHESIS: one task's images of every class, distilled against the pool; resumable to the same bits. */
import { decodeSafetensors, encodeSafetensors } from '../../src/formats/safetensors.js';
import { getVerified, putByDigest } from '../../src/platform/object-store/object-store.js';
import { restore, snapshot } from '../nn/checkpoint.js';
import { medoids, realCrops } from '../teddy/baselines.js';
import { drawnByClass, indicesByClass, loadTeacher, readImages } from '../teddy/dataset.js';
import { batchLabels, type Target, targetOf } from '../teddy/matching.js';
import { decodeStatistics } from '../teddy/statistics.js';
import {
  batchesOf,
  cellShape,
  initialImages,
  labelsOf,
  type StepLosses,
  type SynthesisTask,
  synthesisOptimizer,
  synthesisStep,
  toBytes,
} from '../teddy/synthesis.js';
import { type Tensor, tf } from '../tensor/tensorflow.js';
import type { Job } from './job.js';

const METRIC_EVERY = 10;

export const synthesize: Job<'SYNTHESIS'> = async (payload, context) => {
  const { dataset, teachers, config, seed, taskIndex, imagesPerClass } = payload;
  const { store, resumeFrom } = context;
  const task: SynthesisTask = {
    config,
    shape: dataset.shape,
    classes: dataset.classNames.length,
    seed,
    taskIndex,
    imagesPerClass,
  };
  const pool: Target[] = [];
  for (const teacher of teachers) {
    const frozen = await loadTeacher(store, dataset, teacher);
    pool.push(targetOf(frozen, decodeStatistics(frozen.network, await getVerified(store, teacher.statistics))));
  }
  const labels = labelsOf(task);
  const batches = batchesOf(task);
  const batch = batches.map((slots) => batchLabels(labelsOf(task, slots), task.classes));
  const start = async () => {
    const train = await readImages(context, dataset, dataset.train);
    const drawn = drawnByClass(indicesByClass(train.labels, dataset.classNames, config.imagesPerClass), seed);
    const perClass = Math.min(config.imagesPerClass * config.formation ** 2, ...drawn.map(({ length }) => length));
    const ensemble = pool.map(({ frozen }, i) => ({ frozen, accuracy: teachers[i]?.accuracy ?? 0 }));
    if (config.init === 'MEDOIDS') {
      const best = ensemble.reduce((a, b) => (b.accuracy > a.accuracy ? b : a));
      const chosen = await medoids(best.frozen, train, dataset, drawn, perClass, () => context.breathe());
      return initialImages(task, train, chosen);
    }
    if (config.init !== 'REAL_CROPS') return initialImages(task, train, drawn);
    const labeller = { ensemble, weighting: 'PLAIN', shape: dataset.shape, normalization: dataset } as const;
    const crops = await realCrops(labeller, train, drawn, perClass, seed, () => context.breathe());
    return initialImages(task, crops, indicesByClass(crops.labels, dataset.classNames, perClass));
  };
  const resumed = resumeFrom && decodeSafetensors(resumeFrom).metadata;
  const state = {
    images: resumeFrom
      ? restore(resumeFrom, 'images/')
      : split(
          await start(),
          batches.map((slots) => labelsOf(task, slots).length),
        ),
    optimizer: synthesisOptimizer(resumeFrom && restore(resumeFrom, 'slot/')),
  };
  let finalLoss = Number(resumed?.loss ?? 0);

  for (let step = Number(resumed?.step ?? 0); step < config.steps; ) {
    const losses = synthesisStep(task, state, pool, batch, dataset, step);
    finalLoss = losses.total;
    step++;
    context.progress(step, config.steps, finalLoss);
    if (step % METRIC_EVERY === 0 || step === config.steps) report(context.metric, step, losses);
    if (step % config.checkpointEvery === 0 && step < config.steps) {
      const slots = state.optimizer.state();
      const named = Object.entries(slots).map(([name, tensor]): [string, Tensor] => [`slot/${name}`, tensor]);
      const images = Object.entries(state.images).map(([name, tensor]): [string, Tensor] => [`images/${name}`, tensor]);
      const tensors = Object.fromEntries([...images, ...named]);
      const metadata = { step: String(step), loss: String(finalLoss) };
      const bytes = encodeSafetensors(snapshot(tensors), metadata);
      tf.dispose(slots);
      await context.checkpoint(bytes, step);
    }
    await context.breathe();
  }
  const { height, width, channels } = cellShape(task);
  const file = encodeSafetensors({
    images: {
      dtype: 'U8',
      shape: [labels.length, height, width, channels],
      data: toBytes(tf.concat(batches.map((_, i) => state.images[i] as Tensor))),
    },
    labels: { dtype: 'I32', shape: [labels.length], data: labels },
  });
  tf.dispose(state.images);
  state.optimizer.dispose();
  return { images: await putByDigest(store, 'synthetic', file, '.safetensors'), samples: labels.length, finalLoss };
};

function report(metric: (name: string, step: number, value: number) => void, step: number, losses: StepLosses): void {
  metric('loss', step, losses.total);
  metric('loss/crossEntropy', step, losses.crossEntropy);
  metric('loss/moments', step, losses.moments);
  metric('loss/classMeans', step, losses.classMeans);
}

function split(images: Tensor, sizes: number[]): Record<string, Tensor> {
  const parts = tf.split(images, sizes);
  images.dispose();
  return Object.fromEntries(parts.map((part, i) => [`${i}`, part]));
}
