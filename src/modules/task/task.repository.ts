import type { Transaction } from '../../platform/database/client.js';
import type { Task } from '../../platform/database/generated/client.js';
import type { TaskProgress } from '../kit/progress.js';

const PROGRESS = { state: true, step: true, totalSteps: true, progressAt: true, kind: true } as const;

export type OwnedProgress = TaskProgress & {
  kind: Task['kind'];
  datasetId: string | null;
  poolId: string | null;
  runId: string | null;
  evaluationId: string | null;
};

export type OwnerColumn = 'datasetId' | 'poolId' | 'runId' | 'evaluationId';

/** Tasks of one project: another project's do not exist here. Payloads and results are not read. */
export class TaskRepository {
  constructor(private readonly database: Transaction) {}

  byIds(projectId: string, ids: readonly string[]): Promise<Omit<Task, 'payload' | 'result'>[]> {
    return this.database.task.findMany({
      where: { projectId, id: { in: [...ids] } },
      omit: { payload: true, result: true },
    });
  }

  progressOfOwners(projectId: string, owner: OwnerColumn, ids: readonly string[]): Promise<OwnedProgress[]> {
    return this.database.task.findMany({
      where: { projectId, [owner]: { in: [...ids] } },
      select: { ...PROGRESS, datasetId: true, poolId: true, runId: true, evaluationId: true },
    });
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
