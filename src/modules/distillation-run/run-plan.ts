/** The making of a run, once its dataset and its pool are known. */
import type { RunConfig } from '../../domain/config/run.js';
import { TeddyhubError } from '../../domain/errors.js';
import type { Transaction } from '../../platform/database/client.js';
import { type ReadyDataset, requireReadyDataset } from '../kit/checks.js';
import { keepOne } from '../kit/grace.js';
import { notFound, requireUuid } from '../kit/node.js';
import { checkConfig } from './run-checks.js';

export interface RunPlan {
  name: string;
  /** Global ids. */
  datasetId: string;
  teacherPoolId: string;
  config: RunConfig;
  seed: number;
  labels: string[];
}

/**
 * Makes the row of a QUEUED run. Mistakes are reported under `path`, those of a retry at its `id`. Throws NOT_FOUND, INVALID_STATE, INVALID_INPUT,
 * TOO_FEW_IMAGES, UNSUPPORTED_SHAPE.
 */
export async function createRun(
  tx: Transaction,
  projectId: string,
  id: string,
  plan: RunPlan,
  path: readonly string[] = [],
  origin: { originRunId: string; originKind: 'CLONE' | 'RETRY' } | null = null,
): Promise<void> {
  const { name, config, seed, labels } = plan;
  const isRetry = origin?.originKind === 'RETRY';
  const at = (field: string) => (isRetry ? ['id'] : [...path, field]);
  const dataset = await requireReadyDataset(tx, projectId, plan.datasetId, at('datasetId'));
  const pool = await requireReadyPool(tx, projectId, dataset, plan.teacherPoolId, at('teacherPoolId'));
  // A retry keeps the configuration that its run was accepted with: only the state of its dataset and pool, checked above, may have changed.
  if (!isRetry) checkConfig(config, dataset, pool.teachers, at('config'));
  await tx.distillationRun.create({
    data: { id, projectId, datasetId: dataset.id, poolId: pool.id, name, seed, config, labels, ...origin },
  });
}

async function requireReadyPool(
  tx: Transaction,
  projectId: string,
  dataset: ReadyDataset,
  globalId: string,
  field: readonly string[],
) {
  const id = requireUuid('TeacherPool', globalId, field);
  await keepOne(tx, 'TeacherPool', id);
  const pool = await tx.teacherPool.findFirst({
    where: { id, projectId },
    include: { teachers: { select: { kind: true, accuracy: true, architecture: true } } },
  });
  if (pool === null) throw notFound('TeacherPool', globalId, field);
  if (pool.datasetId !== dataset.id) {
    throw new TeddyhubError('INVALID_INPUT', `Teacher pool ${pool.name} was trained on another dataset.`, { field });
  }
  if (pool.deleteAfter !== null) {
    throw new TeddyhubError('INVALID_STATE', `Teacher pool ${pool.name} is deleted: restore it, or take another one.`, {
      field,
    });
  }
  if (pool.state !== 'READY') {
    const advice =
      pool.state === 'QUEUED' || pool.state === 'TRAINING' ? 'wait until it is READY' : 'train another one';
    throw new TeddyhubError('INVALID_STATE', `Teacher pool ${pool.name} is ${pool.state}: ${advice}.`, { field });
  }
  return pool;
}
