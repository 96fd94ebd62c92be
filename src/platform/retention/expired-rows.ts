/** Rows whose time is over: what was deleted long enough ago, and what can be of no more use. */
import type { Database, Transaction } from '../database/client.js';
import { Prisma } from '../database/generated/client.js';

export interface ExpiredRows {
  distilledSets: number;
  datasets: number;
  /** Of teachers or datasets that are gone. */
  teacherStatistics: number;
}

export async function countExpired(database: Transaction, now: Date): Promise<ExpiredRows> {
  const where = { deleteAfter: { lte: now } };
  const [stale] = await database.$queryRaw<{ count: bigint }[]>`
    SELECT count(*) AS count FROM "TeacherStatistics" s WHERE ${STALE}`;
  return {
    distilledSets: await database.distilledSet.count({ where }),
    datasets: await database.dataset.count({ where: { ...where, ...UNUSED } }),
    teacherStatistics: Number(stale?.count ?? 0),
  };
}

/** A set takes the tasks of its run along, whose results name its objects; the run, its events and its metrics stay. */
export async function removeExpired(database: Database, now: Date): Promise<ExpiredRows> {
  const where = { deleteAfter: { lte: now } };
  const sets = await database.distilledSet.findMany({ where, select: { id: true, runId: true } });
  let distilledSets = 0;
  // One after the other, as each may take thousands of tasks along: what is done stays done.
  for (const { id, runId } of sets) {
    distilledSets += await database.$transaction(async (tx) => {
      // Asked for again in the same statement: a set that was restored meanwhile stays.
      const { count } = await tx.distilledSet.deleteMany({ where: { ...where, id } });
      await tx.task.deleteMany({ where: { runId, run: { distilledSet: null } } });
      return count;
    }, PATIENT);
  }
  const { count: datasets } = await database.dataset.deleteMany({ where: { ...where, ...UNUSED } });
  const teacherStatistics = await database.$executeRaw`DELETE FROM "TeacherStatistics" s WHERE ${STALE}`;
  return { distilledSets, datasets, teacherStatistics };
}

const PATIENT = { maxWait: 10_000, timeout: 600_000 };

/** What a pool or a run stands on stays, whatever was asked. */
const UNUSED = { teacherPools: { none: {} }, runs: { none: {} } };

const STALE = Prisma.sql`
  NOT EXISTS (SELECT 1 FROM "Teacher" t WHERE t."checkpointDigest" = s."checkpointDigest")
  OR NOT EXISTS (SELECT 1 FROM "Dataset" d WHERE d."contentDigest" = s."datasetDigest")`;
