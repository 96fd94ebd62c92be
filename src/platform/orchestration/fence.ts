/**
 * A claim carries a fence that the next claim, or a cancel, raises; every write of an attempt presents its fence, and one
 * that is out of date changes nothing, is counted on the attempt, and throws STALE_ATTEMPT.
 */
import { TeddyhubError } from '../../domain/errors.js';
import type { Database, Transaction } from '../database/client.js';
import type { AttemptOutcome } from '../database/generated/client.js';
import type { Claim } from './claims.js';
import { LONG_TRANSACTION, lockTask, type SlimTask, TRANSACTION } from './work.js';

type Write<T> = (tx: Transaction, task: SlimTask) => Promise<T>;

/** Runs `write` where the claim still holds, with the task and its owner locked. Throws STALE_ATTEMPT. */
export async function writeUnderFence<T>(database: Database, claim: Claim, write: Write<T>): Promise<T> {
  const written = await attemptWrite(database, claim, write, null);
  if (written === 'ENDED') throw new Error('an attempt that ended in no way cannot have ended');
  return written.value;
}

/**
 * Runs the last write of an attempt, or answers null when the attempt has already ended in just that way: the commit went
 * through and only the answer was lost with the connection. Throws STALE_ATTEMPT.
 */
export async function endUnderFence<T>(
  database: Database,
  claim: Claim,
  outcome: AttemptOutcome,
  write: Write<T>,
): Promise<T | null> {
  const written = await attemptWrite(database, claim, write, outcome);
  return written === 'ENDED' ? null : written.value;
}

async function attemptWrite<T>(
  database: Database,
  claim: Claim,
  write: Write<T>,
  ending: AttemptOutcome | null,
): Promise<{ value: T } | 'ENDED'> {
  const written = await database.$transaction(
    async (tx) => {
      const task = await lockTask(tx, claim.taskId);
      if (task?.state === 'RUNNING' && task.fence === claim.fence) return { value: await write(tx, task) };
      const attempt = await tx.taskAttempt.findUnique({ where: { id: claim.attemptId } });
      if (ending !== null && attempt?.outcome === ending) return 'ENDED';
      // Counted in a transaction that commits; the caller learns of it by the exception below.
      await tx.taskAttempt.updateMany({ where: { id: claim.attemptId }, data: { refusedWrites: { increment: 1 } } });
      return 'REFUSED';
    },
    ending === null ? TRANSACTION : LONG_TRANSACTION,
  );
  if (written !== 'REFUSED') return written;
  throw new TeddyhubError(
    'STALE_ATTEMPT',
    `Attempt ${claim.attempt} at task ${claim.taskId} was taken over or canceled.`,
  );
}
