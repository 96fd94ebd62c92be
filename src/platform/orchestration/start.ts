/** How work begins. Each function takes the id of a row that the caller has just made in the same transaction. */
import { evaluationConfig } from '../../domain/config/evaluation.js';
import { poolConfig } from '../../domain/config/pool.js';
import { runConfig } from '../../domain/config/run.js';
import { datasetSource } from '../../domain/jobs/dataset-import.js';
import type { ObjectRef } from '../../domain/jobs/references.js';
import { pickLabelTeachers, planEvaluation } from '../../domain/task-planning.js';
import { objectRefOf } from '../database/object-ref.js';
import { assertOffered, assertReady, loadRunInputs } from './inputs.js';
import { appendRunEvent } from './run-log.js';
import { enqueueFirstStage } from './stages.js';
import { enqueueTasks } from './tasks.js';
import type { Work } from './work.js';

/** Begins to import a dataset that is IMPORTING. */
export async function startImport(work: Work, datasetId: string): Promise<void> {
  const { projectId, source } = await work.tx.dataset.findUniqueOrThrow({ where: { id: datasetId } });
  await enqueueTasks(work, { datasetId, projectId }, [
    { kind: 'DATASET_IMPORT', index: 0, payload: { source: datasetSource.parse(source) } },
  ]);
}

/** Begins to train a QUEUED pool; `imported` are the files of its imports. Throws INVALID_STATE while its dataset is not READY. */
export async function startPoolTraining(work: Work, poolId: string, imported: ObjectRef[] = []): Promise<void> {
  const pool = await work.tx.teacherPool.findUniqueOrThrow({ where: { id: poolId }, include: { dataset: true } });
  assertOffered(pool.dataset);
  assertReady(pool.dataset);
  const payload = { config: poolConfig.parse(pool.config), imported, seed: pool.seed };
  await enqueueTasks(work, { poolId, projectId: pool.projectId }, [{ kind: 'POOL_TRAINING', index: 0, payload }]);
}

/** Begins a QUEUED run and its event log. Throws INVALID_STATE while its dataset or pool is not READY. */
export async function startRun(work: Work, runId: string): Promise<void> {
  const { dataset } = await work.tx.distillationRun.findUniqueOrThrow({
    where: { id: runId },
    include: { dataset: true },
  });
  assertOffered(dataset);
  await appendRunEvent(work.tx, runId, { type: 'STATE_CHANGED', from: null, to: 'QUEUED', failure: null });
  await enqueueFirstStage(work, runId);
}

/** Begins a QUEUED evaluation: one task, and one trained student a label kind, for every subject and seed. */
export async function startEvaluation(work: Work, evaluationId: string): Promise<void> {
  const { distilledSet, ...evaluation } = await work.tx.evaluation.findUniqueOrThrow({
    where: { id: evaluationId },
    include: {
      distilledSet: {
        include: {
          shards: { orderBy: { index: 'asc' } },
          labelSets: { where: { mode: 'FKD' }, include: { files: { orderBy: { index: 'asc' } } } },
        },
      },
    },
  });
  const config = evaluationConfig.parse(evaluation.config);
  const { run, teachers } = await loadRunInputs(work.tx, distilledSet.runId);
  const labelConfig = runConfig.parse(run.config).labels;
  const shards = distilledSet.shards.map((shard) => ({ ...objectRefOf(shard), samples: shard.samples }));
  const fkd = distilledSet.labelSets.flatMap((labels) =>
    labels.files.map((file) => ({ ...objectRefOf(file), name: file.name })),
  );
  const tasks = planEvaluation(config).map(({ subject, seed, labelKinds }, index) => ({
    kind: 'EVALUATION' as const,
    index,
    payload: {
      labelTeachers: pickLabelTeachers(teachers, labelConfig),
      subject,
      imagesPerClass: distilledSet.imagesPerClass,
      shards: subject === 'DISTILLED_SET' ? shards : [],
      fkd: subject === 'DISTILLED_SET' ? fkd : [],
      labelConfig,
      recipe: config.recipe,
      labelKinds,
      seed,
    },
  }));
  await enqueueTasks(work, { evaluationId, projectId: evaluation.projectId }, tasks);
}
