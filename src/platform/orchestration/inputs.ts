/** Turns rows into the self-contained references that payloads carry, and tells which dataset a task reads. */
import { architectureConfig, type ImageShape } from '../../domain/config/architecture.js';
import { type RunConfig, runConfig } from '../../domain/config/run.js';
import { TeddyhubError } from '../../domain/errors.js';
import type { DatasetRef, ObjectRef, TeacherRef } from '../../domain/jobs/references.js';
import { pickMatchedTeachers } from '../../domain/task-planning.js';
import type { Transaction } from '../database/client.js';
import type { Dataset, DatasetShard, DistillationRun, Teacher } from '../database/generated/client.js';
import { objectRefOf } from '../database/object-ref.js';
import type { TaskOwner } from './work.js';

/** Throws INVALID_STATE for a dataset that nothing new may be started on. */
export function assertOffered({ name, archivedAt }: Dataset): void {
  if (archivedAt === null) return;
  throw new TeddyhubError('INVALID_STATE', `Dataset ${name} is archived: restore it, or take another one.`);
}

/** What an import fills in. */
type Ready = { [K in 'contentDigest' | 'imageHeight' | 'imageWidth' | 'imageChannels']: NonNullable<Dataset[K]> };

/** Throws INVALID_STATE while the dataset is not READY. */
export function assertReady<D extends Dataset>(dataset: D): asserts dataset is D & Ready {
  const { contentDigest, imageHeight, imageWidth, imageChannels } = dataset;
  if (contentDigest === null || imageHeight === null || imageWidth === null || imageChannels === null) {
    const advice = dataset.state === 'FAILED' ? 'import it again' : 'wait until it is READY';
    throw new TeddyhubError('INVALID_STATE', `Dataset ${dataset.name} is ${dataset.state}: ${advice}.`);
  }
}

/** What of a dataset tasks are planned by. */
export type PlannedDataset = Pick<DatasetRef, 'digest' | 'classNames' | 'shape'>;

export const shapeOf = ({ imageHeight, imageWidth, imageChannels }: Ready): ImageShape => ({
  height: imageHeight,
  width: imageWidth,
  channels: imageChannels,
});

const plannedOf = (dataset: Dataset & Ready) => ({
  digest: dataset.contentDigest,
  classNames: dataset.classNames,
  shape: shapeOf(dataset),
});

/** The dataset that a task of these owners reads: a pool's, a run's, or that of the run whose set is evaluated. */
export async function datasetOfTask(
  tx: Transaction,
  { poolId, runId, evaluationId }: Omit<TaskOwner, 'datasetId'>,
): Promise<DatasetRef> {
  const run = runId ? { id: runId } : { distilledSet: { evaluations: { some: { id: evaluationId as string } } } };
  const dataset = await tx.dataset.findFirstOrThrow({
    where: poolId ? { teacherPools: { some: { id: poolId } } } : { runs: { some: run } },
    include: { shards: { orderBy: { index: 'asc' } } },
  });
  assertReady(dataset);
  const shardsOf = (split: DatasetShard['split']) =>
    dataset.shards
      .filter((shard) => shard.split === split)
      .map((shard) => ({ ...objectRefOf(shard), samples: shard.samples }));
  return {
    ...plannedOf(dataset),
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

export interface RunInputs {
  run: DistillationRun;
  config: RunConfig;
  dataset: PlannedDataset;
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
      dataset: true,
      pool: { include: { teachers: { orderBy: { index: 'asc' } } } },
    },
  });
  if (pool.state !== 'READY') {
    throw new TeddyhubError('INVALID_STATE', `Teacher pool ${pool.name} is ${pool.state}: wait until it is READY.`);
  }
  assertReady(dataset);
  const config = runConfig.parse(run.config);
  const teachers = pool.teachers.map(teacherRefOf);
  return {
    run,
    config,
    dataset: plannedOf(dataset),
    datasetName: dataset.name,
    licence: dataset.licence,
    teachers,
    matched: pickMatchedTeachers(teachers, config),
  };
}

/** Known statistics by the digest of their teacher's checkpoint. */
export async function loadStatistics(
  tx: Transaction,
  dataset: PlannedDataset,
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
