/** Turns rows into the self-contained references that payloads carry. */
import { architectureConfig, type RunConfig, runConfig } from '../../domain/config.js';
import { TeddyhubError } from '../../domain/errors.js';
import type { DatasetRef, ObjectRef, TeacherRef } from '../../domain/jobs/references.js';
import { pickMatchedTeachers } from '../../domain/task-planning.js';
import type { Transaction } from '../database/client.js';
import type { Dataset, DatasetShard, DistillationRun, Teacher } from '../database/generated/client.js';

/** Throws INVALID_STATE for a dataset that nothing new may be started on. */
export function assertOffered({ name, archivedAt }: Dataset): void {
  if (archivedAt === null) return;
  throw new TeddyhubError('INVALID_STATE', `Dataset ${name} is archived: restore it, or take another one.`);
}

/** Throws INVALID_STATE while the dataset is not READY. */
export function datasetRefOf(dataset: Dataset & { shards: DatasetShard[] }): DatasetRef {
  const { contentDigest, imageHeight, imageWidth, imageChannels } = dataset;
  if (contentDigest === null || imageHeight === null || imageWidth === null || imageChannels === null) {
    throw new TeddyhubError('INVALID_STATE', `Dataset ${dataset.name} is ${dataset.state}: wait until it is READY.`);
  }
  const shardsOf = (split: DatasetShard['split']) =>
    dataset.shards
      .filter((shard) => shard.split === split)
      .sort((a, b) => a.index - b.index)
      .map((shard) => ({ ...objectRefOf(shard), samples: shard.samples }));
  return {
    digest: contentDigest,
    classNames: dataset.classNames,
    shape: { height: imageHeight, width: imageWidth, channels: imageChannels },
    mean: dataset.channelMean,
    std: dataset.channelStd,
    train: shardsOf('TRAIN'),
    test: shardsOf('TEST'),
  };
}

export const teacherRefOf = (teacher: Teacher): TeacherRef => ({
  index: teacher.index,
  kind: teacher.kind,
  architecture: architectureConfig.parse(teacher.architecture),
  epoch: teacher.epoch,
  accuracy: teacher.accuracy,
  checkpoint: {
    key: teacher.checkpointKey,
    digest: teacher.checkpointDigest,
    bytes: Number(teacher.checkpointBytes),
  },
});

export const objectRefOf = (row: { objectKey: string; digest: string; bytes: bigint }): ObjectRef => ({
  key: row.objectKey,
  digest: row.digest,
  bytes: Number(row.bytes),
});

export interface RunInputs {
  run: DistillationRun;
  config: RunConfig;
  dataset: DatasetRef;
  datasetName: string;
  licence: string | null;
  /** All of the pool, and those of them that the run matches. */
  teachers: TeacherRef[];
  matched: TeacherRef[];
}

/** Everything that the tasks of a run are cut from. Throws INVALID_STATE while its dataset or pool is not READY. */
export async function loadRunInputs(tx: Transaction, runId: string): Promise<RunInputs> {
  const { dataset, pool, ...run } = await tx.distillationRun.findUniqueOrThrow({
    where: { id: runId },
    include: {
      dataset: { include: { shards: true } },
      pool: { include: { teachers: { orderBy: { index: 'asc' } } } },
    },
  });
  if (pool.state !== 'READY') {
    throw new TeddyhubError('INVALID_STATE', `Teacher pool ${pool.name} is ${pool.state}: wait until it is READY.`);
  }
  const config = runConfig.parse(run.config);
  const teachers = pool.teachers.map(teacherRefOf);
  return {
    run,
    config,
    dataset: datasetRefOf(dataset),
    datasetName: dataset.name,
    licence: dataset.licence,
    teachers,
    matched: pickMatchedTeachers(teachers, config.teachers),
  };
}

/** Known statistics by the digest of their teacher's checkpoint. */
export async function loadStatistics(
  tx: Transaction,
  dataset: DatasetRef,
  teachers: readonly TeacherRef[],
): Promise<Map<string, ObjectRef>> {
  const rows = await tx.teacherStatistics.findMany({
    where: {
      datasetDigest: dataset.digest,
      checkpointDigest: { in: teachers.map((teacher) => teacher.checkpoint.digest) },
    },
  });
  return new Map(rows.map((row) => [row.checkpointDigest, objectRefOf(row)]));
}
