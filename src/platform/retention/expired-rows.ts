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
  return database.$transaction(async (tx) => {
    const sets = await tx.distilledSet.findMany({ where, select: { id: true, runId: true } });
    // Asked for again in the same statement: a set that was restored meanwhile stays.
    const distilledSets = await tx.distilledSet.deleteMany({
      where: { ...where, id: { in: sets.map(({ id }) => id) } },
    });
    await tx.task.deleteMany({ where: { runId: { in: sets.map(({ runId }) => runId) }, run: { distilledSet: null } } });
    const datasets = await tx.dataset.deleteMany({ where: { ...where, ...UNUSED } });
    const teacherStatistics = await tx.$executeRaw`DELETE FROM "TeacherStatistics" s WHERE ${STALE}`;
    return { distilledSets: distilledSets.count, datasets: datasets.count, teacherStatistics };
  });
}

/** What a pool or a run stands on stays, whatever was asked. */
const UNUSED = { teacherPools: { none: {} }, runs: { none: {} } };

const STALE = Prisma.sql`
  NOT EXISTS (SELECT 1 FROM "Teacher" t WHERE t."checkpointDigest" = s."checkpointDigest")
  OR NOT EXISTS (SELECT 1 FROM "Dataset" d WHERE d."contentDigest" = s."datasetDigest")`;
