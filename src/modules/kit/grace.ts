/**
 * Deletions take effect after a while, and until then they can be taken back. What stands on something else (a run on its pool, a
 * pool on its dataset) is deleted before it, and takes it along when it is restored.
 */
import type { Transaction } from '../../platform/database/client.js';
import { audit, type Caller } from './mutation.js';
import type { NodeType } from './node.js';
import { identifier } from './window-sql.js';

const GRACE_MS = 7 * 86_400_000;

/** For the descriptions of mutations. */
export const GRACE = 'Garbage collection removes it a week later; until then it can be restored. For ADMIN keys.';

export const inGrace = (): Date => new Date(Date.now() + GRACE_MS);

const DELETED = { deleteAfter: { not: null } };
const KEPT = { deleteAfter: null };

export type Deletable = NodeType & ('Dataset' | 'TeacherPool' | 'DistillationRun' | 'DistilledSet');

/** Answers whether the object is there, to be changed by this transaction alone: a deletion that is not committed is waited for. */
export async function lockOne(tx: Transaction, type: Deletable, id: string, projectId: string): Promise<boolean> {
  const rows = await tx.$queryRaw<object[]>`
    SELECT 1 FROM ${identifier(type)} WHERE id = ${id}::uuid AND "projectId" = ${projectId}::uuid FOR UPDATE`;
  return rows.length > 0;
}

/** Before a look at what something new is to stand on: waits for an archiving or deletion under way, and holds up the next. */
export async function keepOne(tx: Transaction, type: Deletable, id: string): Promise<void> {
  await tx.$queryRaw`SELECT 1 FROM ${identifier(type)} WHERE id = ${id}::uuid FOR KEY SHARE`;
}

/** Takes back the deletion of what a set stands on; an archived run or dataset stays archived. */
export async function keepUnderSet(tx: Transaction, caller: Caller, { runId: id }: { runId: string }): Promise<void> {
  await lockOne(tx, 'DistillationRun', id, caller.viewer.projectId);
  const { count } = await tx.distillationRun.updateMany({ where: { id, ...DELETED }, data: KEPT });
  if (count > 0) await audit(tx, caller, 'distillationRunRestore', 'DistillationRun', id, {});
  await keepUnderRun(tx, caller, await tx.distillationRun.findUniqueOrThrow({ where: { id } }));
}

/** Takes back the deletion of what a run stands on. */
export async function keepUnderRun(
  tx: Transaction,
  caller: Caller,
  { poolId: id, datasetId }: { poolId: string; datasetId: string },
): Promise<void> {
  await lockOne(tx, 'TeacherPool', id, caller.viewer.projectId);
  const { count } = await tx.teacherPool.updateMany({ where: { id, ...DELETED }, data: KEPT });
  if (count > 0) await audit(tx, caller, 'teacherPoolRestore', 'TeacherPool', id, {});
  await keepUnderPool(tx, caller, { datasetId });
}

/** Takes back the deletion of what a pool stands on. */
export async function keepUnderPool(
  tx: Transaction,
  caller: Caller,
  { datasetId: id }: { datasetId: string },
): Promise<void> {
  await lockOne(tx, 'Dataset', id, caller.viewer.projectId);
  const { count } = await tx.dataset.updateMany({ where: { id, ...DELETED }, data: KEPT });
  if (count > 0) await audit(tx, caller, 'datasetRestore', 'Dataset', id, {});
}
