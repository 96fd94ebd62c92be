/** The state of a run and its event log: both change in one transaction, under the lock of the run's row. */
import type { Failure } from '../../domain/errors.js';
import type { RunEventPayload } from '../../domain/run-events.js';
import { canMove, isTerminal, type RunState } from '../../domain/run-lifecycle.js';
import type { Transaction } from '../database/client.js';
import type { Task } from '../database/generated/client.js';
import { lockRun, type SlimTask, toJson } from './work.js';

/** Where followers listen; the payload of a notification is a run's id. */
export const RUN_EVENTS_CHANNEL = 'run_events';

/** Appends an event under the next sequence of its run, and tells the followers once `tx` commits. */
export async function appendRunEvent(tx: Transaction, runId: string, event: RunEventPayload): Promise<void> {
  const { type, ...payload } = event;
  const { eventSequence: sequence } = await tx.distillationRun.update({
    where: { id: runId },
    data: { eventSequence: { increment: 1 } },
    select: { eventSequence: true },
  });
  await tx.runEvent.create({ data: { runId, sequence, type, payload: toJson(payload) } });
  await tx.$executeRaw`SELECT pg_notify(${RUN_EVENTS_CHANNEL}, ${runId})`;
}

/** Moves a run where the table of moves allows it. False, and nothing changed, where it does not. */
export async function moveRun(
  tx: Transaction,
  runId: string,
  to: RunState,
  failure: Failure | null = null,
): Promise<boolean> {
  await lockRun(tx, runId);
  const { state: from, startedAt } = await tx.distillationRun.findUniqueOrThrow({
    where: { id: runId },
    select: { state: true, startedAt: true },
  });
  if (!canMove(from, to)) return false;
  const now = new Date();
  await tx.distillationRun.update({
    where: { id: runId },
    data: {
      state: to,
      ...(failure === null ? {} : failureColumns(failure)),
      ...(from === 'QUEUED' && startedAt === null && !isTerminal(to) ? { startedAt: now } : {}),
      ...(isTerminal(to) ? { finishedAt: now } : {}),
    },
  });
  await appendRunEvent(tx, runId, { type: 'STATE_CHANGED', from, to, failure });
  return true;
}

export const failureColumns = (failure: Failure) => ({
  failureKind: failure.kind,
  failureCode: failure.code,
  failureMessage: failure.message,
  failureRetryable: failure.retryable,
});

/** How events name the task they speak of. */
export const eventTask = (task: Pick<Task, 'id' | 'kind' | 'index'>) => ({
  taskId: task.id,
  kind: task.kind,
  index: task.index,
});

/** Says in the run's log, where the task has a run, that an attempt ended without a result. */
export async function appendAttemptEnded(
  tx: Transaction,
  task: SlimTask,
  attempt: number,
  outcome: string,
  reason: string,
) {
  if (task.runId === null) return;
  await appendRunEvent(tx, task.runId, { type: 'ATTEMPT_ENDED', ...eventTask(task), attempt, outcome, reason });
}
