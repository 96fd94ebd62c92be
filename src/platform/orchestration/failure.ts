/** How a task fails for good: its owner fails with it, and the owner's other tasks are withdrawn. */
import type { Failure } from '../../domain/errors.js';
import { failureColumns, moveRun } from './run-log.js';
import { cancelTasks, NO_CHECKPOINT } from './tasks.js';
import type { SlimTask, Work } from './work.js';

/** Fails `task`, which the caller has locked together with its owner. */
export async function failTask(work: Work, task: SlimTask, failure: Failure): Promise<void> {
  const { tx } = work;
  const columns = failureColumns(failure);
  await tx.task.update({
    where: { id: task.id },
    // A run is retried from where it stopped; nothing else is, and its checkpoint would stay for ever.
    data: { state: 'FAILED', finishedAt: new Date(), ...columns, ...(task.runId === null ? NO_CHECKPOINT : {}) },
  });
  // Statistics are computed once for all runs: those whose object is lost or damaged are computed again by the next.
  const { objectKey } = failure;
  if (objectKey !== undefined) await tx.teacherStatistics.deleteMany({ where: { objectKey } });
  const reason = `another task failed: ${failure.message}`;
  if (task.runId !== null) {
    await moveRun(tx, task.runId, 'FAILED', failure);
    await cancelTasks(work, { runId: task.runId }, reason);
  } else if (task.evaluationId !== null) {
    const { evaluationId } = task;
    await tx.evaluation.update({
      where: { id: evaluationId },
      data: { state: 'FAILED', finishedAt: new Date(), ...columns },
    });
    await cancelTasks(work, { evaluationId }, reason);
  } else if (task.poolId !== null) {
    await tx.teacherPool.update({ where: { id: task.poolId }, data: { state: 'FAILED', ...columns } });
  } else if (task.datasetId !== null) {
    await tx.dataset.update({ where: { id: task.datasetId }, data: { state: 'FAILED', ...columns } });
  }
}
