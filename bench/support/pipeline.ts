/**
 * The jobs of the main path in this process, over a folder store: import, pool, statistics, and for one seed at a time a set
 * or a baseline and its student. A stage whose payload the same code computed before is not computed again.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import type { RecipeConfig } from '../../src/domain/config/evaluation.js';
import type { PoolConfig } from '../../src/domain/config/pool.js';
import type { LabelConfig, SynthesisConfig } from '../../src/domain/config/run.js';
import type { JobKind, JobPayload, JobResult } from '../../src/domain/jobs/contracts.js';
import { datasetSource } from '../../src/domain/jobs/dataset-import.js';
import type { DatasetRef } from '../../src/domain/jobs/references.js';
import { pickLabelTeachers } from '../../src/domain/task-planning.js';
import { decodeSafetensors, tensorOfFile } from '../../src/formats/safetensors.js';
import { openFolderObjectStore } from '../../src/platform/object-store/folder-object-store.js';
import { importDataset } from '../../workers/jobs/dataset-import.js';
import { evaluateOn, readBaseline } from '../../workers/jobs/evaluation.js';
import type { JobContext } from '../../workers/jobs/job.js';
import { label } from '../../workers/jobs/labeling.js';
import { trainPool } from '../../workers/jobs/pool-training.js';
import { computeStatistics } from '../../workers/jobs/statistics.js';
import { synthesize } from '../../workers/jobs/synthesis.js';
import { codeDigest, digestOf } from './digest.js';
import { readJson } from './report.js';

type Teacher = JobPayload<'SYNTHESIS'>['teachers'][number];
type Evaluation = JobPayload<'EVALUATION'>;

/** What a set and its baseline share. */
export interface Protocol {
  readonly dataset: DatasetRef;
  readonly labelTeachers: Evaluation['labelTeachers'];
  readonly labels: LabelConfig;
  readonly recipe: RecipeConfig;
  readonly labelKinds: Evaluation['labelKinds'];
  readonly imagesPerClass: number;
}

/** Last readings of one student, percent, and the seconds that its set's making and its training took of all cores together. */
export interface Outcome {
  readonly soft: number;
  readonly hard: number | undefined;
  readonly cpuSeconds: { readonly making: number; readonly student: number };
}

const TELL_EVERY_MS = 60_000;

export async function openPipeline(work: string) {
  mkdirSync(work, { recursive: true });
  const memoPath = join(work, 'memo.json');
  const code = codeDigest();
  const memo = readJson<Record<string, { result: unknown; cpuSeconds: number }>>(memoPath, {});
  let stage = '';
  let told = Date.now();
  /** A pool trains for an hour: whoever watches sees that it moves. */
  const progress = (done: number, total: number) => {
    if (Date.now() - told < TELL_EVERY_MS) return;
    told = Date.now();
    process.stderr.write(`${stage}: ${done} of ${total}\n`);
  };
  const context: JobContext = {
    store: await openFolderObjectStore(join(work, 'objects')),
    scratch: join(work, 'scratch'),
    resumeFrom: undefined,
    progress,
    metric: () => undefined,
    checkpoint: async () => undefined,
    stopping: () => false,
    breathe: async () => undefined,
  };

  async function once<K extends JobKind>(
    kind: K,
    payload: JobPayload<K>,
    run: () => Promise<JobResult<K>>,
  ): Promise<{ result: JobResult<K>; cpuSeconds: number }> {
    const key = `${kind} ${digestOf([code, payload])}`;
    const start = process.cpuUsage();
    if (!memo[key]) {
      stage = kind;
      const result = await run();
      // Neither pauses nor what else the machine does lengthen it, and a suite runs for hours.
      const { user, system } = process.cpuUsage(start);
      memo[key] = { result, cpuSeconds: Math.round((user + system) / 1e3) / 1e3 };
    }
    writeFileSync(memoPath, JSON.stringify(memo));
    return memo[key] as { result: JobResult<K>; cpuSeconds: number };
  }

  async function student(payload: Evaluation, images: () => ReturnType<typeof readBaseline>, making: number) {
    const { result, cpuSeconds } = await once('EVALUATION', payload, async () =>
      evaluateOn(await images(), payload, context),
    );
    const of = (kind: 'SOFT' | 'HARD') => result.results.find(({ labelKind }) => labelKind === kind)?.top1Last;
    return { soft: of('SOFT') ?? Number.NaN, hard: of('HARD'), cpuSeconds: { making, student: cpuSeconds } };
  }

  const evaluationOf = (protocol: Protocol, seed: number): Evaluation => ({
    dataset: protocol.dataset,
    labelTeachers: protocol.labelTeachers,
    subject: 'RANDOM_REAL',
    imagesPerClass: protocol.imagesPerClass,
    shards: [],
    fkd: [],
    labelConfig: protocol.labels,
    recipe: protocol.recipe,
    labelKinds: protocol.labelKinds,
    seed,
  });

  return {
    /** Imports it. */
    async dataset(source: z.input<typeof datasetSource>): Promise<DatasetRef> {
      const payload: JobPayload<'DATASET_IMPORT'> = { source: datasetSource.parse(source) };
      const { result } = await once('DATASET_IMPORT', payload, () => importDataset(payload, context));
      const { classNames, shape, mean, std, train, test, contentDigest } = result;
      return { digest: contentDigest, classNames, shape, mean, std, train, test };
    },

    async pool(dataset: DatasetRef, config: PoolConfig) {
      const payload = { dataset, config, imported: [], seed: 0 };
      const { result, cpuSeconds } = await once('POOL_TRAINING', payload, () => trainPool(payload, context));
      const teachers: Teacher[] = [];
      let statistics = 0;
      for (const teacher of result.teachers) {
        const one = { dataset, teacher };
        const measured = await once('STATISTICS', one, () => computeStatistics(one, context));
        statistics += measured.cpuSeconds;
        teachers.push({ ...teacher, ...measured.result });
      }
      return { teachers, cpuSeconds: { pool: cpuSeconds, statistics } };
    },

    /** One task, however often it was computed before. */
    synthesis: (task: JobPayload<'SYNTHESIS'>) => synthesize(task, context),

    /** Distils a set of the seed against these teachers, and trains a student of the same seed on it. */
    async distilled(protocol: Protocol, teachers: Teacher[], config: SynthesisConfig, seed: number): Promise<Outcome> {
      const { dataset, imagesPerClass, labels } = protocol;
      const job = { dataset, seed };
      const classes = dataset.classNames.map((_, c) => c);
      const task = { ...job, teachers, config, taskIndex: 0, classes, firstImage: 0, imagesPerClass };
      const images = await once('SYNTHESIS', task, () => synthesize(task, context));
      const toLabel = {
        ...job,
        teachers: protocol.labelTeachers,
        images: [images.result.images],
        formation: config.formation,
        config: labels,
      };
      const labelled = await once('LABELING', toLabel, () => label(toLabel, context));
      const shards = [{ ...images.result.images, samples: images.result.samples }];
      const payload: Evaluation = {
        ...evaluationOf(protocol, seed),
        subject: 'DISTILLED_SET',
        shards,
        fkd: labelled.result.fkd,
      };
      const read = async () => {
        const file = decodeSafetensors(await context.store.get(images.result.images.key));
        const { data, shape } = tensorOfFile(file, 'images', 'U8');
        const [, height = 0, width = 0, channels = 0] = shape;
        return { images: data, labels: tensorOfFile(file, 'labels', 'I32').data, height, width, channels };
      };
      return student(payload, read, images.cpuSeconds + labelled.cpuSeconds);
    },

    /** Trains a student of the seed on the images that the seed draws for a baseline. */
    baseline(protocol: Protocol, subject: 'RANDOM_REAL' | 'REAL_CROPS', seed: number): Promise<Outcome> {
      const payload: Evaluation = { ...evaluationOf(protocol, seed), subject };
      return student(payload, () => readBaseline(payload, context), 0);
    },
  };
}

/** Those that the platform would choose. */
export const labelTeachersOf = (teachers: readonly Teacher[], labels: LabelConfig) =>
  pickLabelTeachers(teachers, labels).map(({ statistics: _, ...teacher }) => teacher);
