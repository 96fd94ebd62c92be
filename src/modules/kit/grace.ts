/**
 * Deletions take effect after a while, and until then they can be taken back. What stands on something else (a run on its pool, a
 * pool on its dataset) is deleted before it, and takes it along when it is restored.
 */
import type { Transaction } from '../../platform/database/client.js';

const GRACE_MS = 7 * 86_400_000;

/** For the descriptions of mutations. */
export const GRACE = 'Garbage collection removes it a week later; until then it can be restored. For ADMIN keys.';

export const inGrace = (): Date => new Date(Date.now() + GRACE_MS);

const DELETED = { deleteAfter: { not: null } };
const KEPT = { deleteAfter: null };

/** Takes back the deletion of what a set stands on; an archived run or dataset stays archived. */
export async function keepUnderSet(tx: Transaction, { runId }: { runId: string }): Promise<void> {
  await tx.distillationRun.updateMany({ where: { id: runId, ...DELETED }, data: KEPT });
  await keepUnderRun(tx, await tx.distillationRun.findUniqueOrThrow({ where: { id: runId } }));
}

/** Takes back the deletion of what a run stands on. */
export async function keepUnderRun(tx: Transaction, run: { poolId: string; datasetId: string }): Promise<void> {
  await tx.teacherPool.updateMany({ where: { id: run.poolId, ...DELETED }, data: KEPT });
  await keepUnderPool(tx, run);
}

/** Takes back the deletion of what a pool stands on. */
export async function keepUnderPool(tx: Transaction, { datasetId }: { datasetId: string }): Promise<void> {
  await tx.dataset.updateMany({ where: { id: datasetId, ...DELETED }, data: KEPT });
}
