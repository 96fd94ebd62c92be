/**
 * One contract a job kind: the payload is parsed when the task is enqueued and again when a worker receives it, the result
 * when the worker reports it. Payloads are self-contained: a compute child reads the payload and the object store, never
 * the database, so the same payload gives the same result on any machine. `stored` is what the task's row keeps of the payload:
 * all but the dataset, whose list of shards may be megabytes and is joined to it when a worker claims the task.
 */
import { z } from 'zod';
import { BASELINES, LABEL_KINDS, recipeConfig } from '../config/evaluation.js';
import { poolConfig } from '../config/pool.js';
import { labelConfig, synthesisConfig } from '../config/run.js';
import { sha256 } from '../digest.js';
import { datasetImport } from './dataset-import.js';
import { datasetRef, namedFileRef, objectRef, shardRef, teacherRef } from './references.js';

const seed = z
  .number()
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const count = z.number().int().min(0);

const onDataset = <S extends z.ZodRawShape>(shape: S) => ({
  stored: z.strictObject(shape),
  payload: z.strictObject({ dataset: datasetRef, ...shape }),
});

const poolTraining = {
  ...onDataset({
    config: poolConfig,
    /** The files of the configuration's `imports`, in their order. */
    imported: z.array(objectRef).default([]),
    seed,
  }),
  result: z.strictObject({ teachers: z.array(teacherRef).min(1) }),
};

const statistics = {
  ...onDataset({ teacher: teacherRef }),
  /** Safetensors: per-layer mean and variance at each batch norm's input, class means of the penultimate features. */
  result: z.strictObject({ statistics: objectRef }),
};

const teacherWithStatistics = teacherRef.extend({ statistics: objectRef });

const synthesis = {
  ...onDataset({
    teachers: z.array(teacherWithStatistics).min(1),
    config: synthesisConfig,
    seed,
    taskIndex: count,
    /** Positions of the classes that this task makes. */
    classes: z.array(count).min(1),
    /** Full images' worth of every class that tasks before it make. */
    firstImage: count,
    /** Full images' worth of each of its classes that this task makes. */
    imagesPerClass: z.number().int().positive(),
  }),
  result: z.strictObject({
    /**
     * Safetensors: `images` uint8 [n, h / f, w / f, c], `labels` int32 [n], with f the formation and
     * n = classes * imagesPerClass * f * f, ordered by image slot, then class: the task's classes are equally often in any
     * prefix of slots.
     */
    images: objectRef,
    samples: count,
    finalLoss: z.number(),
  }),
};

const labeling = {
  ...onDataset({
    /** The labelling ensemble. */
    teachers: z.array(teacherRef).min(1),
    /** The synthesis results of the run, in task order. */
    images: z.array(objectRef).min(1),
    formation: z.number().int().positive(),
    config: labelConfig,
    seed,
  }),
  result: z.strictObject({
    /** Safetensors: `logits` float16 [n, classes]. */
    static: objectRef,
    /** Safetensors files as in src/formats/labels.ts, one a range of steps. */
    fkd: z.array(namedFileRef),
  }),
};

const publishing = {
  ...onDataset({
    runId: z.uuid(),
    distilledSetId: z.uuid(),
    name: z.string(),
    licence: z.string().nullable(),
    datasetName: z.string(),
    teachers: z.array(teacherWithStatistics).min(1),
    /** The best first: its architecture is the one recommended for students. */
    labelTeachers: z.array(teacherRef).min(1),
    images: z.array(objectRef).min(1),
    labels: labeling.result,
    synthesis: synthesisConfig,
    labelConfig,
    seed,
  }),
  result: z.strictObject({
    shards: z.array(shardRef.extend({ name: z.string() })),
    static: objectRef,
    fkd: z.array(namedFileRef),
    manifest: objectRef,
    /** Digest of the set: `setDigest` of its manifest. */
    digest: sha256,
    samples: count,
  }),
};

const evaluationResult = z.strictObject({
  labelKind: z.enum(LABEL_KINDS),
  /** Percent. */
  top1Last: z.number(),
  top1Best: z.number(),
  top5Last: z.number(),
  top5Best: z.number(),
  studentSteps: count,
  /** Of the student's steps alone. */
  seconds: z.number(),
  /** Every reading of the accuracy, percent, after `step` steps. */
  readings: z.array(z.strictObject({ step: count, top1: z.number(), top5: z.number() })).default([]),
});

const evaluation = {
  ...onDataset({
    labelTeachers: z.array(teacherRef).min(1),
    subject: z.enum(['DISTILLED_SET', ...BASELINES]),
    imagesPerClass: z.number().int().positive(),
    /** Shards and FKD files of the set; baselines choose their images by the seed and make their own labels with `labelConfig`. */
    shards: z.array(shardRef),
    fkd: z.array(namedFileRef),
    labelConfig,
    recipe: recipeConfig,
    labelKinds: z.array(z.enum(LABEL_KINDS)).min(1),
    seed,
  }),
  result: z.strictObject({ results: z.array(evaluationResult).min(1) }),
};

export const JOB_CONTRACTS = {
  DATASET_IMPORT: { ...datasetImport, stored: datasetImport.payload },
  POOL_TRAINING: poolTraining,
  STATISTICS: statistics,
  SYNTHESIS: synthesis,
  LABELING: labeling,
  PUBLISHING: publishing,
  EVALUATION: evaluation,
} as const;

export type JobKind = keyof typeof JOB_CONTRACTS;
export type JobPayload<K extends JobKind> = z.infer<(typeof JOB_CONTRACTS)[K]['payload']>;
export type StoredPayload<K extends JobKind> = z.infer<(typeof JOB_CONTRACTS)[K]['stored']>;
export type JobResult<K extends JobKind> = z.infer<(typeof JOB_CONTRACTS)[K]['result']>;
