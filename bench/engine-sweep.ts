/**
 * Tries the options of pool, synthesis, labels and recipe one by one and writes bench/results/engine-sweep-<sweep>.json. Each
 * seed is a pair: one set and one baseline of random real images that start from the same images and train a student from the
 * same weights, so that the gain's error is that of the differences. What was computed in the work folder is not again. Every row
 * names the commit and the machine that gave it: rows of options that were tried and are gone stay in the file, behind the others. The first
 * trial is measured whatever is asked for, since the others are compared with it.
 *
 *     npm run bench -- engine-sweep [--sweep cifar10-ipc1] [--data <archive or folder of the images>] [--work <folder>]
 *         [--only <a trial's name, or words of it>]...
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recipeConfig } from '../src/domain/config/evaluation.js';
import { poolConfig } from '../src/domain/config/pool.js';
import { runConfig } from '../src/domain/config/run.js';
import type { DatasetRef } from '../src/domain/jobs/references.js';
import { chosenOf, namedOf } from './support/chosen.js';
import { digestOf } from './support/digest.js';
import { SWEEPS, type Sweep, type Trial } from './support/engine-trials.js';
import { optionsOf } from './support/options.js';
import { labelTeachersOf, openPipeline } from './support/pipeline.js';
import { about, mean, ORIGIN, readJson, resultsPath, rounded, standardError, writeResult } from './support/report.js';

const values = optionsOf('engine-sweep', {
  sweep: { type: 'string', default: 'fashion-mnist' },
  data: { type: 'string' },
  work: { type: 'string', default: join(tmpdir(), 'teddyhub-sweep') },
  only: { type: 'string', multiple: true, default: [] },
});
const sweep = chosenOf(SWEEPS, 'engine-sweep', 'sweep', values.sweep, values.data);
const chosen = namedOf(sweep.trials, 'engine-sweep', 'trial', values.only);
const pipeline = await openPipeline(values.work);

/** Of all that decides what a trial's students reach. */
function optionsOfTrial({ name: _, pairs: __, ...trial }: Trial): string {
  return digestOf([sweep.base, trial]).slice(0, 12);
}

async function measure({ base }: Sweep, dataset: DatasetRef, trial: Trial) {
  const pool = poolConfig.parse({ ...base.pool, ...trial.pool });
  const { synthesis, labels } = runConfig.parse({
    synthesis: { ...base.synthesis, ...trial.synthesis },
    labels: { ...base.labels, ...trial.labels },
  });
  const recipe = recipeConfig.parse({ ...base.recipe, ...trial.recipe });
  const made = await pipeline.pool(dataset, pool);
  const protocol = {
    dataset,
    labelTeachers: labelTeachersOf(made.teachers, labels),
    labels,
    recipe,
    labelKinds: ['SOFT' as const],
    imagesPerClass: synthesis.imagesPerClass,
  };
  const matched = made.teachers.filter((_, i) => trial.only?.includes(i) ?? true);
  const pairs = [];
  for (let seed = 0; seed < (trial.pairs ?? 4); seed++) {
    pairs.push({
      teddy: await pipeline.distilled(protocol, matched, synthesis, seed),
      randomReal: await pipeline.baseline(protocol, 'RANDOM_REAL', seed),
    });
  }
  const gains = pairs.map(({ teddy, randomReal }) => teddy.soft - randomReal.soft);
  return {
    ...trial,
    options: optionsOfTrial(trial),
    ...ORIGIN,
    teachers: made.teachers.map(({ kind, epoch, accuracy }) => ({ kind, epoch, accuracy: rounded(accuracy) })),
    teddy: pairs.map(({ teddy }) => rounded(teddy.soft)),
    randomReal: pairs.map(({ randomReal }) => rounded(randomReal.soft)),
    gain: rounded(mean(gains)),
    standardError: rounded(standardError(gains)),
    cpuSeconds: {
      ...made.cpuSeconds,
      synthesisAndLabels: rounded(mean(pairs.map(({ teddy }) => teddy.cpuSeconds.making))),
      student: rounded(mean(pairs.map(({ teddy }) => teddy.cpuSeconds.student))),
    },
  };
}

const file = `engine-sweep-${values.sweep}`;
const dataset = await pipeline.dataset(sweep.source(values.data));
const earlier = readJson<{ trials: Record<string, { options?: string }> }>(resultsPath(file), { trials: {} });
// What was measured of other options is of another trial, whatever its name. Rows of before do not say of which.
const rows: Record<string, object> = Object.fromEntries(
  Object.entries(earlier.trials).filter(([name, { options }]) => {
    const trial = sweep.trials.find((one) => one.name === name);
    return trial === undefined || options === undefined || options === optionsOfTrial(trial);
  }),
);
const [first] = sweep.trials as [Trial, ...Trial[]];
/** Of the first trial, by seed: every row keeps what it is compared with, as other machines round otherwise. */
let base: readonly number[] | undefined;
for (const trial of new Set([first, ...chosen])) {
  const measured = await measure(sweep, dataset, trial);
  base ??= measured.teddy;
  const row = { ...measured, base };
  rows[trial.name] = row;
  const listed = sweep.trials.flatMap(({ name }) => (name in rows ? [[name, rows[name]]] : []));
  const inOrder = { ...Object.fromEntries(listed), ...rows };
  const command = `npm run bench -- engine-sweep --sweep ${values.sweep}`;
  writeResult(file, { ...about(command), base: sweep.base, trials: inOrder });
  const { teddy, randomReal, gain } = row;
  process.stdout.write(
    `${trial.name.padEnd(40)} teddy ${mean(teddy).toFixed(2)}  random real ${mean(randomReal).toFixed(2)}  gain ${gain} +- ${row.standardError}  s ${JSON.stringify(row.cpuSeconds)}\n`,
  );
}
