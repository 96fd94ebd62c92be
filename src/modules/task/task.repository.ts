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

/** The tasks of one kind that an owner has. */
export type OwnedProgress = ProgressGroup & { ownerId: string; kind: Task['kind'] };

export type OwnerColumn = 'datasetId' | 'poolId' | 'runId' | 'evaluationId';

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
      SELECT ${identifier(owner)}::text AS "ownerId", kind, count(*)::int AS tasks, sum(step)::int AS step,
        sum("totalSteps")::int AS "totalSteps", max("progressAt") AS "progressAt",
        sum(CASE WHEN state = 'SUCCEEDED' THEN 1 WHEN "totalSteps" > 0 THEN least(1, step::float8 / "totalSteps")
            ELSE 0 END) AS share
      FROM "Task" WHERE "projectId" = ${projectId}::uuid AND ${identifier(owner)} = ANY(${[...ids]}::uuid[])
      GROUP BY 1, 2`,
    );
  }

  queue(projectId: string): Promise<QueueRow[]> {
    return readRows(
      this.database,
      Prisma.sql`
      SELECT kind, (count(*) FILTER (WHERE state = 'QUEUED'))::int AS queued,
        (count(*) FILTER (WHERE state = 'RUNNING'))::int AS running,
        min("createdAt") FILTER (WHERE state = 'QUEUED') AS "waitingSince"
      FROM "Task" WHERE "projectId" = ${projectId}::uuid AND state IN ('QUEUED', 'RUNNING')
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
