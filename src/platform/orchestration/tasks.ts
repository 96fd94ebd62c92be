/** Making and withdrawing tasks, together with their jobs in the queue. */
import { newId } from '../../domain/ids.js';
import { JOB_CONTRACTS, type JobKind, type StoredPayload } from '../../domain/jobs/contracts.js';
import type { Prisma, Task } from '../database/generated/client.js';
import { toJson, type Work } from './work.js';

export type NewTask = {
  [K in JobKind]: {
    kind: K;
    /** Position among the tasks of its kind and owner. */
    index: number;
    payload: StoredPayload<K>;
  };
}[JobKind];

/** A task that a retry has from another run, and how far it got there. */
export type HeldTask = Pick<Task, 'id' | 'index' | 'step' | 'totalSteps' | 'checkpointKey' | 'checkpointStep'>;

type OwnerId = { runId: string } | { poolId: string } | { datasetId: string } | { evaluationId: string };

/**
 * Makes tasks and offers them to the workers, all in the caller's transaction; one of the same index as a `held` one is that one, and
 * goes on from its checkpoint. Throws a ZodError when a payload breaks its kind's contract: nothing is enqueued that no worker could take.
 */
export async function enqueueTasks(
  { tx, queue }: Work,
  owner: OwnerId & { projectId: string },
  tasks: readonly NewTask[],
  held: readonly HeldTask[] = [],
): Promise<void> {
  const heldBy = new Map(held.map((task) => [task.index, task]));
  const rows = tasks.map(({ kind, index, payload }) => ({
    ...owner,
    id: newId(),
    kind,
    index,
    ...heldBy.get(index),
    payload: toJson(JOB_CONTRACTS[kind].stored.parse(payload)),
  }));
  if (held.length > 0) await tx.task.deleteMany({ where: { id: { in: held.map(({ id }) => id) } } });
  await tx.task.createMany({ data: rows });
  await queue.send(
    tx,
    rows.map((row) => row.id),
  );
}

export const NO_CHECKPOINT = { checkpointKey: null, checkpointStep: 0 } as const;

/**
 * Ends every unfinished task of an owner whose row the caller has locked. The raised fence refuses whatever a running
 * attempt still writes; its supervisor sees it with the next heartbeat and ends the computation.
 */
export async function cancelTasks({ tx, queue }: Work, owner: OwnerId, reason: string): Promise<void> {
  const unfinished: Prisma.TaskWhereInput = { ...owner, state: { in: ['QUEUED', 'RUNNING'] } };
  const ids = (await tx.task.findMany({ where: unfinished, select: { id: true } })).map((task) => task.id);
  if (ids.length === 0) return;
  const now = new Date();
  await tx.task.updateMany({
    where: { id: { in: ids } },
    data: {
      ...{ state: 'CANCELED', fence: { increment: 1 }, finishedAt: now },
      ...('runId' in owner ? {} : NO_CHECKPOINT),
    },
  });
  await tx.taskAttempt.updateMany({
    where: { taskId: { in: ids }, endedAt: null },
    data: { endedAt: now, outcome: 'CANCELED', reason },
  });
  await queue.cancel(tx, ids);
}
