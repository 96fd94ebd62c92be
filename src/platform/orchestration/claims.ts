/** Taking a task: how a delivered job becomes an attempt, and what becomes of the attempts before it. */
import { type Failure, type FailureCode, newFailure } from '../../domain/errors.js';
import { newId } from '../../domain/ids.js';
import type { JobKind } from '../../domain/jobs/contracts.js';
import { stageOf } from '../../domain/task-planning.js';
import type { Transaction } from '../database/client.js';
import type { Task, TaskAttempt } from '../database/generated/client.js';
import { EXPIRE_SECONDS } from '../queue/task-queue.js';
import { failTask } from './failure.js';
import { datasetOfTask } from './inputs.js';
import { appendAttemptEnded, appendRunEvent, eventTask, moveRun } from './run-log.js';
import { type Backend, lockTask, type SlimTask, TRANSACTION } from './work.js';

/** What a worker holds while it computes. */
export interface Claim {
  taskId: string;
  attemptId: string;
  /** Attempts at the task so far, this one included. */
  attempt: number;
  fence: number;
  kind: JobKind;
  index: number;
  runId: string | null;
  /** Not yet parsed: the process that computes parses what it receives. */
  payload: unknown;
  /** Where an earlier attempt left off. */
  checkpoint: { key: string; step: number } | null;
}

/**
 * Claims a delivered task under this attempt id. Idempotent: repeated because its answer was lost, it returns the same claim. Null
 * when there is nothing to do: the task has ended, was deleted, or has now been tried too often.
 * An earlier attempt that never ended is marked LOST, as of its last sign of life; one that the queue took from a worker in good
 * health, as no job may be active for longer, DRAINED.
 */
export function claimTask(
  { database, queue }: Backend,
  taskId: string,
  workerId: string,
  attemptId = newId(),
): Promise<Claim | null> {
  return database.$transaction(async (tx) => {
    const task = await lockTask(tx, taskId);
    if (task === null || (task.state !== 'QUEUED' && task.state !== 'RUNNING')) return null;
    const own = await tx.taskAttempt.findUnique({ where: { id: attemptId } });
    if (own !== null && own.endedAt === null && own.fence === task.fence) {
      return claimOf(tx, await tx.task.findUniqueOrThrow({ where: { id: taskId } }), own);
    }
    await closeLostAttempts(tx, task);
    if ((await failedAttempts(tx, task)) >= task.maxAttempts) {
      await failTask({ tx, queue }, task, await workerLost(tx, task));
      return null;
    }
    const now = new Date();
    const claimed = await tx.task.update({
      where: { id: taskId },
      data: {
        state: 'RUNNING',
        fence: { increment: 1 },
        attempts: { increment: 1 },
        workerId,
        startedAt: task.startedAt ?? now,
        progressAt: now,
        step: task.checkpointStep,
      },
    });
    const { fence, attempts: attempt } = claimed;
    const data = { id: attemptId, taskId, number: attempt, fence, workerId };
    const begun = await tx.taskAttempt.create({ data });
    await beginOwner(tx, task);
    const { runId, checkpointStep: fromStep } = task;
    if (runId !== null) {
      await appendRunEvent(tx, runId, { type: 'TASK_STARTED', ...eventTask(task), attempt, workerId, fromStep });
    }
    return claimOf(tx, claimed, begun);
  }, TRANSACTION);
}

async function claimOf(tx: Transaction, task: Task, { id, number, fence }: TaskAttempt): Promise<Claim> {
  const { id: taskId, kind, index, runId, checkpointKey, checkpointStep } = task;
  const checkpoint = checkpointKey === null ? null : { key: checkpointKey, step: checkpointStep };
  const payload = await payloadOf(tx, task);
  return { taskId, attemptId: id, attempt: number, fence, kind, index, runId, payload, checkpoint };
}

/** What the task's row keeps of it, and the dataset. A READY dataset never changes: every attempt gets the same. */
async function payloadOf(tx: Transaction, task: Task): Promise<unknown> {
  const stored = task.payload as object;
  return task.kind === 'DATASET_IMPORT' ? stored : { dataset: await datasetOfTask(tx, task), ...stored };
}

/** The first claim moves a QUEUED owner on; for a later one these are no moves at all. */
async function beginOwner(tx: Transaction, task: SlimTask): Promise<void> {
  if (task.runId !== null) {
    const stage = stageOf(task.kind);
    const { state } = await tx.distillationRun.findUniqueOrThrow({ where: { id: task.runId } });
    if (stage !== undefined && state === 'QUEUED') await moveRun(tx, task.runId, stage.state);
  } else if (task.poolId !== null) {
    await tx.teacherPool.updateMany({ where: { id: task.poolId, state: 'QUEUED' }, data: { state: 'TRAINING' } });
  } else if (task.evaluationId !== null) {
    const queued = { id: task.evaluationId, state: 'QUEUED' } as const;
    await tx.evaluation.updateMany({ where: queued, data: { state: 'RUNNING' } });
  }
}

/** Gives a delivered task that was not claimed to another worker, at once. */
export async function returnTask({ database, queue }: Backend, taskId: string): Promise<void> {
  await database.$transaction((tx) => queue.handBack(tx, taskId), TRANSACTION);
}

/** Fails a task that the queue will not deliver again, unless it has ended. */
export async function failDeadTask({ database, queue }: Backend, taskId: string): Promise<void> {
  await database.$transaction(async (tx) => {
    const task = await lockTask(tx, taskId);
    if (task === null || (task.state !== 'QUEUED' && task.state !== 'RUNNING')) return;
    await closeLostAttempts(tx, task);
    await failTask({ tx, queue }, task, await workerLost(tx, task));
  }, TRANSACTION);
}

/** Failures of the store or the disk, which say nothing of the task or its worker. */
const OUTAGES: readonly string[] = ['UNAVAILABLE', 'STORAGE_FULL'] satisfies FailureCode[];
/** An outage is waited for so long, unless it lets each attempt compute for long first, as the full disk of a worker may. */
const OUTAGE_MS = 3_600_000;
const OUTAGE_ATTEMPTS = 100;

/** The attempts after the one that saved what the next goes on from. */
const sinceCheckpoint = ({ id, checkpointAttempt }: SlimTask) => ({ taskId: id, number: { gt: checkpointAttempt } });

/**
 * Attempts that speak against the task since it got as far as it is: days of training may lose more workers than a step may, and a
 * drained or canceled attempt, or one that met an outage, says nothing.
 */
const failedAttempts = (tx: Transaction, task: SlimTask): Promise<number> =>
  tx.taskAttempt.count({
    where: {
      ...sinceCheckpoint(task),
      OR: [
        { outcome: 'LOST' },
        { outcome: 'FAILED', failureCode: null },
        { outcome: 'FAILED', failureCode: { notIn: [...OUTAGES] } },
      ],
    },
  });

/** Whether a task is given up after a failure, which its attempts tell of already; and how often it was tried in vain. */
export async function isTriedOut(
  tx: Transaction,
  task: SlimTask,
  code: FailureCode,
): Promise<{ tried: number; isOver: boolean }> {
  if (!OUTAGES.includes(code)) {
    const tried = await failedAttempts(tx, task);
    return { tried, isOver: tried >= task.maxAttempts };
  }
  const where = { ...sinceCheckpoint(task), failureCode: { in: [...OUTAGES] } };
  const { _count: tried, _min: first } = await tx.taskAttempt.aggregate({
    where,
    _count: true,
    _min: { startedAt: true },
  });
  const isLong = first.startedAt !== null && Date.now() - first.startedAt.getTime() > OUTAGE_MS;
  return { tried, isOver: tried >= OUTAGE_ATTEMPTS || (isLong && tried >= task.maxAttempts) };
}

async function closeLostAttempts(tx: Transaction, task: SlimTask): Promise<void> {
  const lost = await tx.taskAttempt.findMany({ where: { taskId: task.id, endedAt: null }, orderBy: { number: 'asc' } });
  for (const attempt of lost) {
    const endedAt = await lastSignOfLife(tx, task, attempt);
    const seconds = (endedAt.getTime() - attempt.startedAt.getTime()) / 1000;
    const [outcome, reason] =
      seconds >= EXPIRE_SECONDS - EXPIRY_SLACK_SECONDS
        ? (['DRAINED', 'it took longer than the queue lets one attempt take'] as const)
        : (['LOST', 'no sign of life from its worker'] as const);
    await tx.taskAttempt.update({ where: { id: attempt.id }, data: { outcome, reason, endedAt } });
    await appendAttemptEnded(tx, task, attempt.number, outcome, reason);
  }
}

/** A worker gives signs of life every second; the queue's clock begins before the attempt's. */
const EXPIRY_SLACK_SECONDS = 60;

async function lastSignOfLife(tx: Transaction, task: SlimTask, attempt: TaskAttempt): Promise<Date> {
  const worker = attempt.workerId === null ? null : await tx.worker.findUnique({ where: { id: attempt.workerId } });
  const signs = [attempt.startedAt, task.progressAt, worker?.heartbeatAt].filter((sign) => sign != null);
  return new Date(Math.max(...signs.map((sign) => sign.getTime())));
}

/** Of the last attempt that ended with a reason of its own, that is told too: it may be what the others met. */
async function workerLost(tx: Transaction, task: SlimTask): Promise<Failure> {
  const failed = await tx.taskAttempt.findFirst({
    where: { taskId: task.id, outcome: 'FAILED' },
    orderBy: { number: 'desc' },
  });
  const tried = (await failedAttempts(tx, task)) || task.attempts;
  const message =
    `Task ${task.kind} ${task.index} was tried ${tried} times and its workers were lost: ` +
    'look for lack of memory in their logs, then start again.' +
    (failed?.reason ? ` Attempt ${failed.number} had failed: ${failed.reason}` : '');
  return newFailure('WORKER_LOST', message);
}
