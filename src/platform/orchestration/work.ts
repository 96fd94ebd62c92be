/** What every step of the orchestration needs: the caller's transaction and the queue that takes part in it. */
import type { Database, Transaction } from '../database/client.js';
import { Prisma, type Task } from '../database/generated/client.js';
import type { TaskQueue } from '../queue/task-queue.js';

export interface Work {
  tx: Transaction;
  queue: TaskQueue;
}

/** The database and the queue, as long-lived as the process that writes with them. */
export interface Backend {
  database: Database;
  queue: TaskQueue;
}

/** Exactly one of them is set. */
export type TaskOwner = Pick<Task, 'datasetId' | 'poolId' | 'runId' | 'evaluationId'>;

/** Room for a transaction that waits for a row lock of a busy run; Prisma's own limit is 5 s. */
export const TRANSACTION = { maxWait: 10_000, timeout: 30_000 } as const;
/** The start of a run, or the end of a stage, may make ten thousand tasks. A worker's statements have a minute each. */
export const LONG_TRANSACTION = { maxWait: 10_000, timeout: 300_000 } as const;

/**
 * Everything that changes a task holds the row lock of its owner first, then that of the task: two tasks that end at once
 * are seen one after the other, and no two transactions wait for each other.
 */
export async function lockOwner(tx: Transaction, owner: TaskOwner): Promise<void> {
  const { datasetId, poolId, runId, evaluationId } = owner;
  if (runId !== null) await lockRun(tx, runId);
  else if (poolId !== null) await tx.$queryRaw`SELECT 1 FROM "TeacherPool" WHERE id = ${poolId}::uuid FOR UPDATE`;
  else if (datasetId !== null) await tx.$queryRaw`SELECT 1 FROM "Dataset" WHERE id = ${datasetId}::uuid FOR UPDATE`;
  else await tx.$queryRaw`SELECT 1 FROM "Evaluation" WHERE id = ${evaluationId}::uuid FOR UPDATE`;
}

export async function lockRun(tx: Transaction, runId: string): Promise<void> {
  await tx.$queryRaw`SELECT 1 FROM "DistillationRun" WHERE id = ${runId}::uuid FOR UPDATE`;
}

/** Payload and result may be megabytes, and most that is written of a task wants neither. */
export const SLIM = { payload: true, result: true } as const;
export type SlimTask = Omit<Task, keyof typeof SLIM>;

/** Locks a task and its owner; null where it was deleted meanwhile. */
export async function lockTask(tx: Transaction, taskId: string): Promise<SlimTask | null> {
  const select = { datasetId: true, poolId: true, runId: true, evaluationId: true };
  const owner = await tx.task.findUnique({ where: { id: taskId }, select });
  if (owner === null) return null;
  await lockOwner(tx, owner);
  await tx.$queryRaw`SELECT 1 FROM "Task" WHERE id = ${taskId}::uuid FOR UPDATE`;
  return tx.task.findUnique({ where: { id: taskId }, omit: SLIM });
}

/** Values that went through a zod contract are plain JSON. */
export const toJson = (value: object): Prisma.InputJsonValue => value as Prisma.InputJsonValue;
