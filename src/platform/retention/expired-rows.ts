/** Rows whose time is over: what was deleted long enough ago, and what can be of no more use. */
import type { Database, Transaction } from '../database/client.js';
import { Prisma } from '../database/generated/client.js';

export interface ExpiredRows {
  distilledSets: number;
  distillationRuns: number;
  teacherPools: number;
  datasets: number;
  /** Of teachers or datasets that are gone. */
  teacherStatistics: number;
  /** Of training jobs whose time was over, or taken, long ago. */
  tokens: number;
  /** Nobody repeats a request after so long. */
  idempotencyKeys: number;
  /** Steps of runs that ended long ago: one a second and task, of which their end has the last. */
  progressEvents: number;
  /** Every start of one is another, and machines that come and go start many. */
  workers: number;
}

const DAY_MS = 24 * 3_600_000;
/** For how long what is of no more use stays. */
const KEPT_DAYS = 30;
/** Rows of one statement, so that none locks or writes without an end. */
const BATCH = 20_000;

export async function countExpired(database: Transaction, now: Date): Promise<ExpiredRows> {
  const where = { deleteAfter: { lte: now } };
  const daysAgo = longBefore(now);
  // What stands on them goes before them.
  const stays = { OR: [{ deleteAfter: null }, { deleteAfter: { gt: now } }] };
  const runStays = { OR: [...stays.OR, { distilledSet: { is: stays } }] };
  const poolStays = { OR: [...stays.OR, { runs: { some: runStays } }] };
  const [stale] = await database.$queryRaw<{ count: bigint }[]>`
    SELECT count(*) AS count FROM "TeacherStatistics" s WHERE ${STALE}`;
  return {
    distilledSets: await database.distilledSet.count({ where }),
    distillationRuns: await database.distillationRun.count({
      where: { ...where, NOT: { distilledSet: { is: stays } } },
    }),
    teacherPools: await database.teacherPool.count({ where: { ...where, runs: { none: runStays } } }),
    datasets: await database.dataset.count({
      where: { ...where, teacherPools: { none: poolStays }, runs: { none: runStays } },
    }),
    teacherStatistics: Number(stale?.count ?? 0),
    tokens: await database.distilledSetToken.count({ where: overSince(daysAgo) }),
    idempotencyKeys: await database.idempotencyKey.count({ where: { createdAt: { lt: daysAgo } } }),
    progressEvents: await database.runEvent.count({
      where: { type: 'TASK_PROGRESS', run: { finishedAt: { lt: daysAgo } } },
    }),
    workers: await database.worker.count({ where: goneSince(daysAgo) }),
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
  const runs = await database.distillationRun.findMany({ where: { ...where, ...WITHOUT_SET }, select: { id: true } });
  let distillationRuns = 0;
  // Each takes its tasks, its events and up to millions of points along.
  for (const { id } of runs) {
    distillationRuns += await database.$transaction(
      async (tx) => (await tx.distillationRun.deleteMany({ where: { ...where, ...WITHOUT_SET, id } })).count,
      PATIENT,
    );
  }
  const { count: teacherPools } = await database.teacherPool.deleteMany({ where: { ...where, ...WITHOUT_RUNS } });
  const { count: datasets } = await database.dataset.deleteMany({ where: { ...where, ...UNUSED } });
  const teacherStatistics = await database.$executeRaw`DELETE FROM "TeacherStatistics" s WHERE ${STALE}`;
  const daysAgo = longBefore(now);
  const { count: tokens } = await database.distilledSetToken.deleteMany({ where: overSince(daysAgo) });
  const idempotencyKeys = await inBatches(
    () => database.$executeRaw`
      DELETE FROM "IdempotencyKey" WHERE ctid IN
        (SELECT ctid FROM "IdempotencyKey" WHERE "createdAt" < ${daysAgo} LIMIT ${BATCH})`,
  );
  const progressEvents = await inBatches(
    () => database.$executeRaw`
      DELETE FROM "RunEvent" WHERE ctid IN
        (SELECT e.ctid FROM "RunEvent" e JOIN "DistillationRun" r ON r.id = e."runId"
         WHERE r."finishedAt" < ${daysAgo} AND e.type = 'TASK_PROGRESS' LIMIT ${BATCH})`,
  );
  const { count: workers } = await database.worker.deleteMany({ where: goneSince(daysAgo) });
  return {
    ...{ distilledSets, distillationRuns, teacherPools, datasets },
    ...{ teacherStatistics, tokens, idempotencyKeys, progressEvents, workers },
  };
}

const longBefore = (now: Date): Date => new Date(now.getTime() - KEPT_DAYS * DAY_MS);

const overSince = (before: Date) => ({ OR: [{ expiresAt: { lt: before } }, { revokedAt: { lt: before } }] });

/** A task that one of them holds is not taken yet from it. */
const goneSince = (before: Date) => ({ heartbeatAt: { lt: before }, tasks: { none: { state: 'RUNNING' as const } } });

async function inBatches(removeSome: () => Promise<number>): Promise<number> {
  for (let sum = 0; ; ) {
    const removed = await removeSome();
    sum += removed;
    if (removed < BATCH) return sum;
  }
}

const PATIENT = { maxWait: 10_000, timeout: 600_000 };

/** What something stands on stays, whatever was asked. */
const WITHOUT_SET = { distilledSet: null };
const WITHOUT_RUNS = { runs: { none: {} } };
const UNUSED = { teacherPools: { none: {} }, ...WITHOUT_RUNS };

const STALE = Prisma.sql`
  NOT EXISTS (SELECT 1 FROM "Teacher" t WHERE t."checkpointDigest" = s."checkpointDigest")
  OR NOT EXISTS (SELECT 1 FROM "Dataset" d WHERE d."contentDigest" = s."datasetDigest")`;
