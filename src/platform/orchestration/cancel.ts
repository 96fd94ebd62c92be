/**
 * Cancelling. What is canceled is so at once, with or without a worker alive: from the commit on, the raised fences refuse
 * every write of a running attempt. The worker sees its fence with the next heartbeat and ends the computation.
 */
import { type Failure, newFailure, TeddyhubError } from '../../domain/errors.js';
import { isTerminal } from '../../domain/run-lifecycle.js';
import { failureColumns, moveRun } from './run-log.js';
import { cancelTasks } from './tasks.js';
import { lockOwner, lockRun, type Work } from './work.js';

const REASON = 'canceled by request';

/** Cancels a run for `actor`; false where it is canceled already. Throws INVALID_STATE when it has ended otherwise. */
export async function requestRunCancel(work: Work, runId: string, actor: string): Promise<boolean> {
  await lockRun(work.tx, runId);
  const { state, name } = await work.tx.distillationRun.findUniqueOrThrow({ where: { id: runId } });
  if (state === 'CANCELED') return false;
  if (isTerminal(state)) throw alreadyEnded('Run', name, state);
  await moveRun(work.tx, runId, 'CANCELING');
  await cancelTasks(work, { runId }, REASON);
  await moveRun(work.tx, runId, 'CANCELED', canceledBy(actor));
  return true;
}

/** Cancels an import: its dataset has FAILED for that reason. False where it was canceled already. Throws INVALID_STATE when it has ended otherwise. */
export async function requestImportCancel(work: Work, datasetId: string, actor: string): Promise<boolean> {
  await lockOwner(work.tx, { datasetId, poolId: null, runId: null, evaluationId: null });
  const { state, name, failureCode } = await work.tx.dataset.findUniqueOrThrow({ where: { id: datasetId } });
  const failure = canceledBy(actor);
  if (failureCode === failure.code) return false;
  if (state !== 'IMPORTING') throw alreadyEnded('Dataset', name, state);
  await cancelTasks(work, { datasetId }, REASON);
  await work.tx.dataset.update({
    where: { id: datasetId },
    data: { state: 'FAILED', ...failureColumns(failure) },
  });
  return true;
}

/** Cancels a pool that is QUEUED or TRAINING; false where it is canceled already. Throws INVALID_STATE when it has ended. */
export async function requestPoolCancel(work: Work, poolId: string, actor: string): Promise<boolean> {
  await lockOwner(work.tx, { poolId, runId: null, datasetId: null, evaluationId: null });
  const { state, name } = await work.tx.teacherPool.findUniqueOrThrow({ where: { id: poolId } });
  if (state === 'CANCELED') return false;
  if (state !== 'QUEUED' && state !== 'TRAINING') throw alreadyEnded('Teacher pool', name, state);
  await cancelTasks(work, { poolId }, REASON);
  await work.tx.teacherPool.update({
    where: { id: poolId },
    data: { state: 'CANCELED', ...failureColumns(canceledBy(actor)) },
  });
  return true;
}

/** Cancels an evaluation that is QUEUED or RUNNING; false where it is canceled already. Throws INVALID_STATE when it has ended. */
export async function requestEvaluationCancel(work: Work, evaluationId: string, actor: string): Promise<boolean> {
  await lockOwner(work.tx, { evaluationId, runId: null, poolId: null, datasetId: null });
  const { state, id } = await work.tx.evaluation.findUniqueOrThrow({ where: { id: evaluationId } });
  if (state === 'CANCELED') return false;
  if (state !== 'QUEUED' && state !== 'RUNNING') throw alreadyEnded('Evaluation', id, state);
  await cancelTasks(work, { evaluationId }, REASON);
  await work.tx.evaluation.update({
    where: { id },
    data: { state: 'CANCELED', finishedAt: new Date(), ...failureColumns(canceledBy(actor)) },
  });
  return true;
}

const canceledBy = (actor: string): Failure => newFailure('CANCELED', `Canceled by ${actor}.`);

const alreadyEnded = (what: string, name: string, state: string) =>
  new TeddyhubError('INVALID_STATE', `${what} ${name} is ${state} already: there is nothing left to cancel.`);
