import type { Transaction } from '../../platform/database/client.js';
import { Prisma, type Task, type TaskAttempt } from '../../platform/database/generated/client.js';
import { readRows } from '../../platform/database/read.js';
import type { ColumnsOf } from '../kit/columns.js';
import { type Connection, readConnection } from '../kit/connection.js';
import type { PageArguments } from '../kit/paging.js';
import type { ProgressGroup } from '../kit/progress.js';
import { allOf, identifier, ofProject, oneOf } from '../kit/window-sql.js';
import type { TaskFilter } from './task.input.js';
import { type Task as TaskObject, Tasks } from './task.type.js';

export type OwnedProgress = ProgressGroup & { ownerId: string };

/** Runs have tasks of several kinds. */
export type OwnerColumn = 'datasetId' | 'poolId' | 'evaluationId';

/** A run and the kind of the tasks that it is at; null: the last that it has tasks of. */
export interface RunPhase {
  id: string;
  kind: Task['kind'] | null;
}

const SUMS = Prisma.sql`count(*)::int AS tasks, coalesce(sum(step), 0)::int AS step,
  coalesce(sum("totalSteps"), 0)::int AS "totalSteps", max("progressAt") AS "progressAt",
  coalesce(sum(CASE WHEN state = 'SUCCEEDED' THEN 1 WHEN "totalSteps" > 0 THEN least(1, step::float8 / "totalSteps")
    ELSE 0 END), 0) AS share`;

export interface QueueRow {
  kind: Task['kind'];
  queued: number;
  running: number;
  waitingSince: Date | null;
}

/** Tasks of one project: another project's do not exist here. Payloads and results are not read. */
export class TaskRepository {
  constructor(private readonly database: Transaction) {}

  byIds(projectId: string, ids: readonly string[]): Promise<Omit<Task, 'payload' | 'result'>[]> {
    return this.database.task.findMany({
      where: { projectId, id: { in: [...ids] } },
      omit: { payload: true, result: true },
    });
  }

  list(
    projectId: string,
    filter: TaskFilter | null,
    page: PageArguments,
    columns?: ColumnsOf,
  ): Promise<Connection<TaskObject>> {
    const where = allOf([
      ofProject(projectId),
      filter?.states ? oneOf('state', filter.states, '"TaskState"') : null,
      filter?.kinds ? oneOf('kind', filter.kinds, '"TaskKind"') : null,
    ]);
    return readConnection(this.database, Tasks, where, page, columns);
  }

  attemptsOfTasks(projectId: string, taskIds: readonly string[]): Promise<TaskAttempt[]> {
    const where = { task: { projectId }, taskId: { in: [...taskIds] } };
    return this.database.taskAttempt.findMany({ where, orderBy: { number: 'asc' } });
  }

  /** Summed up where they lie: a run may have thousands of tasks. */
  progressOfOwners(projectId: string, owner: OwnerColumn, ids: readonly string[]): Promise<OwnedProgress[]> {
    return readRows(
      this.database,
      Prisma.sql`
      SELECT ${identifier(owner)} AS "ownerId", ${SUMS}
      FROM "Task" WHERE "projectId" = ${projectId}::uuid AND ${identifier(owner)} = ANY(${[...ids]}::uuid[])
      GROUP BY ${identifier(owner)}`,
    );
  }

  /**
   * Of every run the tasks of one kind: the one that is asked for, or else the first that is not done, or the last. The kinds of a
   * run's tasks come in the database in the order of its stages.
   */
  progressOfRuns(projectId: string, runs: readonly RunPhase[]): Promise<OwnedProgress[]> {
    return readRows(
      this.database,
      Prisma.sql`
      SELECT run.id AS "ownerId", phase.*
      FROM unnest(${runs.map(({ id }) => id)}::uuid[], ${runs.map(({ kind }) => kind)}::"TaskKind"[]) AS run(id, kind)
      CROSS JOIN LATERAL (
        SELECT ${SUMS} FROM "Task" WHERE "projectId" = ${projectId}::uuid AND "runId" = run.id AND kind = coalesce(run.kind,
          (SELECT kind FROM "Task" WHERE "runId" = run.id AND state <> 'SUCCEEDED' ORDER BY kind LIMIT 1),
          (SELECT kind FROM "Task" WHERE "runId" = run.id ORDER BY kind DESC LIMIT 1))
      ) phase`,
    );
  }

  /** Tasks that a retry holds for a later stage wait for no worker. */
  queue(projectId: string): Promise<QueueRow[]> {
    return readRows(
      this.database,
      Prisma.sql`
      SELECT kind, (count(*) FILTER (WHERE state = 'QUEUED'))::int AS queued,
        (count(*) FILTER (WHERE state = 'RUNNING'))::int AS running,
        min("createdAt") FILTER (WHERE state = 'QUEUED') AS "waitingSince"
      FROM (
        SELECT kind, state, "createdAt", "runId", min(kind) OVER (PARTITION BY "runId") AS stage
        FROM "Task" WHERE "projectId" = ${projectId}::uuid AND state IN ('QUEUED', 'RUNNING')
      ) task WHERE "runId" IS NULL OR kind = stage
      GROUP BY kind ORDER BY kind`,
    );
  }

  /** What the workers are at, of this project. */
  runningOfWorkers(projectId: string, workerIds: readonly string[]): Promise<Omit<Task, 'payload' | 'result'>[]> {
    return this.database.task.findMany({
      where: { projectId, workerId: { in: [...workerIds] }, state: 'RUNNING' },
      omit: { payload: true, result: true },
      orderBy: { startedAt: 'asc' },
    });
  }
}
