/** What an attempt writes while it holds its task: progress, checkpoints, a result, or how it ended without one. */
import type { Failure, FailureCode } from '../../domain/errors.js';
import { JOB_CONTRACTS } from '../../domain/jobs/contracts.js';
import type { Transaction } from '../database/client.js';
import type { AttemptOutcome } from '../database/generated/client.js';
import { type Claim, isTriedOut } from './claims.js';
import { failTask } from './failure.js';
import { endUnderFence, writeUnderFence } from './fence.js';
import { storeResult } from './results.js';
import { appendAttemptEnded, appendRunEvent, eventTask } from './run-log.js';
import { type Backend, type SlimTask, toJson } from './work.js';

export interface Progress {
  step: number;
  totalSteps: number;
  loss: number | null;
}

export interface Metric {
  name: string;
  step: number;
  value: number;
}

/** Writes how far the attempt is, and the points of its curves: a point that an earlier attempt wrote stays. */
export async function reportProgress(
  { database }: Backend,
  claim: Claim,
  progress: Progress | null,
  metrics: readonly Metric[],
): Promise<void> {
  await writeUnderFence(database, claim, async (tx, task) => {
    const { runId } = claim;
    if (progress !== null) {
      const { step, totalSteps } = progress;
      const data = { step, totalSteps, progressAt: new Date() };
      await tx.task.update({ where: { id: task.id }, data, select: { id: true } });
      if (runId !== null) await appendRunEvent(tx, runId, { type: 'TASK_PROGRESS', ...eventTask(task), ...progress });
    }
    if (runId !== null && metrics.length > 0) {
      const rows = metrics.map((metric) => ({ ...metric, runId, taskId: task.id }));
      await tx.metricPoint.createMany({ data: rows, skipDuplicates: true });
    }
  });
}

/** Makes a stored object the place where the next attempt begins. Answers the key that it replaces. */
export async function recordCheckpoint(
  { database }: Backend,
  claim: Claim,
  key: string,
  step: number,
): Promise<string | null> {
  return writeUnderFence(database, claim, async (tx, task) => {
    if (key === task.checkpointKey) return null;
    const data = { checkpointKey: key, checkpointStep: step, checkpointAttempt: claim.attempt, progressAt: new Date() };
    await tx.task.update({ where: { id: task.id }, data, select: { id: true } });
    return task.checkpointKey;
  });
}

/**
 * Stores a result and moves the task's owner on, in one transaction. Answers the key of the checkpoint that nobody needs
 * any more. Throws a ZodError when the result breaks its contract.
 */
export async function completeTask(
  { database, queue }: Backend,
  claim: Claim,
  result: unknown,
): Promise<string | null> {
  const parsed = JOB_CONTRACTS[claim.kind].result.parse(result);
  return endUnderFence(database, claim, 'SUCCEEDED', async (tx, task) => {
    const now = new Date();
    await endAttempt(tx, claim, 'SUCCEEDED', null);
    const data = { state: 'SUCCEEDED', result: toJson(parsed), checkpointKey: null, finishedAt: now } as const;
    const done = await tx.task.update({ where: { id: task.id }, data: { ...data, progressAt: now } });
    if (claim.runId !== null) await appendRunEvent(tx, claim.runId, { type: 'TASK_SUCCEEDED', ...eventTask(task) });
    await storeResult({ tx, queue }, done, parsed);
    return task.checkpointKey;
  });
}

/**
 * Ends an attempt that did not succeed. RETRY: the task waits for another attempt. FAILED: the failure is not one that
 * passes, or the task has been tried too often, and its owner has failed with it.
 */
export async function failAttempt(
  { database, queue }: Backend,
  claim: Claim,
  failure: Failure,
): Promise<'RETRY' | 'FAILED'> {
  const verdict = await endUnderFence(database, claim, 'FAILED', async (tx, task) => {
    await endUnfinished(tx, claim, task, 'FAILED', `${failure.code}: ${failure.message}`, failure.code);
    const { tried, isOver } = await isTriedOut(tx, task, failure.code);
    if (failure.retryable && !isOver) {
      await tx.task.update({ where: { id: task.id }, data: { state: 'QUEUED', workerId: null } });
      return 'RETRY';
    }
    await failTask({ tx, queue }, task, failure.retryable ? exhausted(failure, tried) : failure);
    return 'FAILED';
  });
  if (verdict !== null) return verdict;
  const { state } = await database.task.findUniqueOrThrow({ where: { id: claim.taskId } });
  return state === 'FAILED' ? 'FAILED' : 'RETRY';
}

/** Gives a task back, for another worker to take at once from its last checkpoint. Does not count as a failure. */
export async function handBackTask({ database, queue }: Backend, claim: Claim, reason: string): Promise<void> {
  await endUnderFence(database, claim, 'DRAINED', async (tx, task) => {
    await endUnfinished(tx, claim, task, 'DRAINED', reason);
    await tx.task.update({ where: { id: task.id }, data: { state: 'QUEUED', workerId: null } });
    await queue.handBack(tx, task.id);
  });
}

async function endAttempt(
  tx: Transaction,
  claim: Claim,
  outcome: AttemptOutcome,
  reason: string | null,
  failureCode: FailureCode | null = null,
) {
  const data = { endedAt: new Date(), outcome, reason, failureCode };
  await tx.taskAttempt.update({ where: { id: claim.attemptId }, data });
}

async function endUnfinished(
  tx: Transaction,
  claim: Claim,
  task: SlimTask,
  outcome: AttemptOutcome,
  reason: string,
  failureCode?: FailureCode,
) {
  await endAttempt(tx, claim, outcome, reason, failureCode);
  await appendAttemptEnded(tx, task, claim.attempt, outcome, reason);
}

const exhausted = (failure: Failure, tried: number): Failure => ({
  ...failure,
  message: `${failure.message} (given up after ${tried} attempts)`,
});
