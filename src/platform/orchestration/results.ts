/** What a finished task leaves behind: the rows that name its objects, and the next state of its owner. */

import { runConfig } from '../../domain/config/run.js';
import { JOB_CONTRACTS, type JobResult } from '../../domain/jobs/contracts.js';
import type { ShardRef } from '../../domain/jobs/references.js';
import { STATIC_NAME } from '../../domain/manifest.js';
import { stageOf } from '../../domain/task-planning.js';
import type { Transaction } from '../database/client.js';
import type { Split, Task } from '../database/generated/client.js';
import { loadRunInputs } from './inputs.js';
import { advanceRun } from './stages.js';
import { toJson, type Work } from './work.js';

/** Stores a parsed result of `task`, whose owner the caller has locked, and moves the owner on. */
export async function storeResult(work: Work, task: Task, result: unknown): Promise<void> {
  const { tx } = work;
  switch (task.kind) {
    case 'DATASET_IMPORT':
      await storeDataset(tx, owned(task.datasetId), JOB_CONTRACTS.DATASET_IMPORT.result.parse(result));
      break;
    case 'POOL_TRAINING':
      await storeTeachers(tx, owned(task.poolId), JOB_CONTRACTS.POOL_TRAINING.result.parse(result));
      break;
    case 'STATISTICS':
      await storeStatistics(tx, task, JOB_CONTRACTS.STATISTICS.result.parse(result));
      break;
    case 'PUBLISHING':
      await storeDistilledSet(tx, task, JOB_CONTRACTS.PUBLISHING.result.parse(result));
      break;
    case 'EVALUATION':
      await storeEvaluation(tx, task, JOB_CONTRACTS.EVALUATION.result.parse(result));
      break;
    case 'SYNTHESIS':
    case 'LABELING':
      // The task's own result is all there is to keep: the next stage reads it there.
      break;
  }
  const stage = stageOf(task.kind);
  if (stage !== undefined) await advanceRun(work, owned(task.runId), stage);
}

async function storeDataset(tx: Transaction, datasetId: string, result: JobResult<'DATASET_IMPORT'>): Promise<void> {
  const rows = (split: Split, shards: readonly ShardRef[]) =>
    shards.map((shard, index) => ({
      datasetId,
      split,
      index,
      objectKey: shard.key,
      digest: shard.digest,
      bytes: BigInt(shard.bytes),
      samples: shard.samples,
    }));
  await tx.datasetShard.createMany({ data: [...rows('TRAIN', result.train), ...rows('TEST', result.test)] });
  const { shape } = result;
  await tx.dataset.update({
    where: { id: datasetId },
    data: {
      state: 'READY',
      classNames: result.classNames,
      imageHeight: shape.height,
      imageWidth: shape.width,
      imageChannels: shape.channels,
      trainCount: samplesOf(result.train),
      testCount: samplesOf(result.test),
      trainPerClass: result.trainPerClass,
      channelMean: result.mean,
      channelStd: result.std,
      contentDigest: result.contentDigest,
      layout: result.layout,
      classOrder: result.classOrder,
      skippedRecords: result.skipped,
      skippedCount: result.skipped.length,
      duplicates: result.duplicates,
      duplicateCount: result.duplicateCount,
    },
  });
}

const samplesOf = (shards: readonly ShardRef[]): number => shards.reduce((sum, shard) => sum + shard.samples, 0);

async function storeTeachers(tx: Transaction, poolId: string, result: JobResult<'POOL_TRAINING'>): Promise<void> {
  await tx.teacher.createMany({
    data: result.teachers.map(({ index, kind, architecture, epoch, accuracy, checkpoint }) => ({
      poolId,
      index,
      kind,
      architecture,
      epoch,
      accuracy,
      checkpointKey: checkpoint.key,
      checkpointDigest: checkpoint.digest,
      checkpointBytes: BigInt(checkpoint.bytes),
    })),
  });
  await tx.teacherPool.update({ where: { id: poolId }, data: { state: 'READY' } });
}

async function storeStatistics(tx: Transaction, task: Task, result: JobResult<'STATISTICS'>): Promise<void> {
  const { teacher } = JOB_CONTRACTS.STATISTICS.stored.parse(task.payload);
  const { dataset } = await loadRunInputs(tx, owned(task.runId));
  const { key, digest, bytes } = result.statistics;
  const row = {
    checkpointDigest: teacher.checkpoint.digest,
    datasetDigest: dataset.digest,
    objectKey: key,
    digest,
    bytes: BigInt(bytes),
  };
  // Two runs that begin together compute the same statistics: the first to arrive stays.
  await tx.teacherStatistics.createMany({ data: [row], skipDuplicates: true });
}

async function storeDistilledSet(tx: Transaction, task: Task, result: JobResult<'PUBLISHING'>): Promise<void> {
  // The name as the manifest has it: the run may have been renamed since.
  const { distilledSetId, name } = JOB_CONTRACTS.PUBLISHING.stored.parse(task.payload);
  const run = await tx.distillationRun.findUniqueOrThrow({ where: { id: owned(task.runId) } });
  const config = runConfig.parse(run.config);
  const fileRow = (file: { key: string; digest: string; bytes: number }, index: number, name: string) => ({
    index,
    name,
    objectKey: file.key,
    digest: file.digest,
    bytes: BigInt(file.bytes),
  });
  const labelConfig = toJson(config.labels);
  await tx.distilledSet.create({
    data: {
      id: distilledSetId,
      projectId: run.projectId,
      runId: run.id,
      name,
      imagesPerClass: config.synthesis.imagesPerClass,
      sampleCount: result.samples,
      digest: result.digest,
      manifestKey: result.manifest.key,
      manifestDigest: result.manifest.digest,
      shards: {
        create: result.shards.map((shard, index) => ({
          ...fileRow(shard, index, shard.name),
          samples: shard.samples,
        })),
      },
      labelSets: {
        create: [
          {
            mode: 'STATIC',
            config: labelConfig,
            files: { create: [fileRow(result.static, 0, STATIC_NAME)] },
          },
          {
            mode: 'FKD',
            config: labelConfig,
            files: { create: result.fkd.map((file, index) => fileRow(file, index, file.name)) },
          },
        ],
      },
    },
  });
}

async function storeEvaluation(tx: Transaction, task: Task, result: JobResult<'EVALUATION'>): Promise<void> {
  const evaluationId = owned(task.evaluationId);
  const { subject, seed } = JOB_CONTRACTS.EVALUATION.stored.parse(task.payload);
  await tx.evaluationResult.createMany({
    data: result.results.map((row) => ({ ...row, evaluationId, subject, seed })),
  });
  const waiting = await tx.task.count({ where: { evaluationId, state: { not: 'SUCCEEDED' } } });
  if (waiting > 0) return;
  await tx.evaluation.update({ where: { id: evaluationId }, data: { state: 'SUCCEEDED', finishedAt: new Date() } });
}

function owned(id: string | null): string {
  if (id === null) throw new Error('a task does not belong to what its kind says');
  return id;
}
