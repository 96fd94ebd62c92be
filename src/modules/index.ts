/** The modules put together: repositories, the services on them, the loaders of a request, and the resolvers. */
import DataLoader from 'dataloader';
import type { Database } from '../platform/database/client.js';
import type { RunEventHub } from '../platform/events/run-event-hub.js';
import type { Log } from '../platform/log.js';
import type { ObjectStore } from '../platform/object-store/object-store.js';
import type { TaskQueue } from '../platform/queue/task-queue.js';
import { ApiKeyRepository } from './api-key/api-key.repository.js';
import { ApiKeyService } from './api-key/api-key.service.js';
import { Authenticator } from './api-key/authenticator.js';
import { AuditEventRepository } from './audit/audit-event.repository.js';
import { AuditEventService } from './audit/audit-event.service.js';
import { DatasetRepository } from './dataset/dataset.repository.js';
import { DatasetService } from './dataset/dataset.service.js';
import { reportLoaders } from './dataset/report.loader.js';
import { UploadService } from './dataset/upload.service.js';
import { DistillationRunRepository } from './distillation-run/distillation-run.repository.js';
import { DistillationRunService } from './distillation-run/distillation-run.service.js';
import { DistillationRuns } from './distillation-run/distillation-run.type.js';
import { metricSeriesLoader } from './distillation-run/metric-series.loader.js';
import { RunAnalysisService } from './distillation-run/run-analysis.service.js';
import { RunEditService } from './distillation-run/run-edits.service.js';
import { runEventsLoader } from './distillation-run/run-events.loader.js';
import { RunMetricsRepository } from './distillation-run/run-metrics.repository.js';
import { RunProgressService } from './distillation-run/run-progress.service.js';
import { DistilledSetRepository } from './distilled-set/distilled-set.repository.js';
import { DistilledSetService } from './distilled-set/distilled-set.service.js';
import { DistilledShards, LabelFiles } from './distilled-set/distilled-set.type.js';
import { EvaluationRepository } from './evaluation/evaluation.repository.js';
import { EvaluationService } from './evaluation/evaluation.service.js';
import { Evaluations } from './evaluation/evaluation.type.js';
import { toScore } from './evaluation/evaluation-score.type.js';
import { byId, byParent, children, UNARCHIVED } from './kit/batch.js';
import type { ColumnsOf } from './kit/columns.js';
import { NodeService } from './node/node.service.js';
import { nodeLoaders } from './node/node-loaders.js';
import { ProjectRepository } from './project/project.repository.js';
import { StorageService } from './project/storage.service.js';
import { RetentionService } from './retention/retention.service.js';
import { SetTokenRepository } from './set-token/set-token.repository.js';
import { SetTokenService } from './set-token/set-token.service.js';
import { DistilledSetTokens } from './set-token/set-token.type.js';
import { TokenAuthenticator } from './set-token/token-authenticator.js';
import { type OwnerColumn, type RunPhase, TaskRepository } from './task/task.repository.js';
import { TaskService } from './task/task.service.js';
import { Tasks } from './task/task.type.js';
import { TeacherImports } from './teacher-pool/teacher-imports.js';
import { TeacherPoolRepository } from './teacher-pool/teacher-pool.repository.js';
import { TeacherPoolService } from './teacher-pool/teacher-pool.service.js';
import { TeacherPools, Teachers } from './teacher-pool/teacher-pool.type.js';
import { WorkerRepository } from './worker/worker.repository.js';
import { WorkerService } from './worker/worker.service.js';
import { WorkerWatch } from './worker/worker-watch.js';

export interface Resources {
  database: Database;
  queue: TaskQueue;
  store: ObjectStore;
  hub: RunEventHub;
  importRoot: string;
  log: Log;
}

export const createRepositories = (database: Database) => ({
  database,
  apiKeys: new ApiKeyRepository(database),
  projects: new ProjectRepository(database),
  datasets: new DatasetRepository(database),
  teacherPools: new TeacherPoolRepository(database),
  distillationRuns: new DistillationRunRepository(database),
  tasks: new TaskRepository(database),
  distilledSets: new DistilledSetRepository(database),
  setTokens: new SetTokenRepository(database),
  evaluations: new EvaluationRepository(database),
  workers: new WorkerRepository(database),
  runMetrics: new RunMetricsRepository(database),
  auditEvents: new AuditEventRepository(database),
});

export type Repositories = ReturnType<typeof createRepositories>;

export function createServices(
  { database, queue, store, hub, importRoot, log }: Resources,
  repositories: Repositories,
) {
  const backend = { database, queue };
  const nodes = new NodeService();
  return {
    nodes,
    authenticator: new Authenticator(repositories.apiKeys),
    apiKeys: new ApiKeyService(backend, repositories.apiKeys),
    datasets: new DatasetService(backend, repositories.datasets, importRoot),
    uploads: new UploadService(store),
    teacherPools: new TeacherPoolService(backend, repositories.teacherPools, new TeacherImports(store, importRoot)),
    distillationRuns: new DistillationRunService(backend, repositories.distillationRuns, hub, log),
    distilledSets: new DistilledSetService(database, repositories.distilledSets, store),
    storage: new StorageService(database),
    retention: new RetentionService(database, log),
    setTokens: new SetTokenService(backend),
    tokenAuthenticator: new TokenAuthenticator(repositories.setTokens),
    evaluations: new EvaluationService(backend, repositories.evaluations),
    workers: new WorkerService(repositories.workers),
    runEdits: new RunEditService(backend, log),
    runAnalysis: new RunAnalysisService(nodes, repositories.runMetrics),
    tasks: new TaskService(repositories.tasks),
    auditEvents: new AuditEventService(repositories.auditEvents),
    runProgress: new RunProgressService(repositories.distillationRuns, repositories.tasks, hub, log),
    workerWatch: new WorkerWatch(repositories.workers, log),
  };
}

export type Services = ReturnType<typeof createServices>;

/** Made anew for every request: they see the viewer's project only, and forget everything with the request. */
export function createLoaders(repositories: Repositories, projectId: string, columns: ColumnsOf) {
  const { database, datasets, teacherPools, distillationRuns, runMetrics, tasks, distilledSets, evaluations, workers } =
    repositories;
  const progressOf = (owner: OwnerColumn) =>
    byParent(
      (ids) => tasks.progressOfOwners(projectId, owner, ids),
      (group) => group.ownerId,
    );
  return {
    nodes: nodeLoaders(repositories, projectId, columns),
    tasksOfDataset: progressOf('datasetId'),
    tasksOfPool: progressOf('poolId'),
    /** Of the phase that a run is in. */
    progressOfRun: new DataLoader(
      async (runs: readonly RunPhase[]) => {
        const groups = new Map((await tasks.progressOfRuns(projectId, runs)).map((group) => [group.ownerId, group]));
        return runs.map(({ id }) => groups.get(id) ?? null);
      },
      { cacheKeyFn: ({ id }) => id },
    ),
    tasksOfEvaluation: progressOf('evaluationId'),
    attemptsOfTask: byParent(
      (ids) => tasks.attemptsOfTasks(projectId, ids),
      (attempt) => attempt.taskId,
    ),
    isWorkerAlive: new DataLoader(async (ids: readonly string[]) => {
      const alive = new Set((await workers.alive(ids)).map(({ id }) => id));
      return ids.map((id) => alive.has(id));
    }),
    runningOfWorker: byParent(
      (ids) => tasks.runningOfWorkers(projectId, ids),
      (task) => task.workerId,
    ),
    setsOfRun: byParent(
      (ids) => distilledSets.ofRuns(projectId, ids),
      (set) => set.runId,
    ),
    labelSetsOfSet: byParent(
      (ids) => distilledSets.labelSetsOfSets(projectId, ids),
      (labels) => labels.distilledSetId,
    ),
    resultsOfEvaluation: byParent(
      (ids) => evaluations.resultsOfEvaluations(projectId, ids),
      (result) => result.evaluationId,
    ),
    configOfRun: byId((ids) => distillationRuns.configsOf(projectId, ids)),
    bestEvaluationOfRun: new DataLoader(async (runIds: readonly string[]) => {
      const best = new Map((await evaluations.bestOfRuns(projectId, runIds)).map((row) => [row.runId, row]));
      return runIds.map((id) => toScore(best.get(id)));
    }),
    allTeachersOfPool: byParent(
      (ids) => teacherPools.teachersOfPools(projectId, ids),
      (teacher) => teacher.poolId,
    ),
    metricNamesOfRun: byParent(
      (ids) => runMetrics.names(ids),
      ({ runId }) => runId,
    ),
    metricSeries: metricSeriesLoader(runMetrics),
    eventsOfRun: runEventsLoader(distillationRuns),
    ...reportLoaders(datasets, projectId),
    teacherPoolsOfDataset: children(database, TeacherPools, 'datasetId', columns),
    runsOfDataset: children(database, DistillationRuns, 'datasetId', columns, UNARCHIVED),
    runsOfPool: children(database, DistillationRuns, 'poolId', columns, UNARCHIVED),
    derivedRunsOfRun: children(database, DistillationRuns, 'originRunId', columns),
    teachersOfPool: children(database, Teachers, 'poolId', columns),
    taskPagesOfRun: children(database, Tasks, 'runId', columns),
    evaluationsOfSet: children(database, Evaluations, 'distilledSetId', columns),
    tokensOfSet: children(database, DistilledSetTokens, 'distilledSetId', columns),
    shardsOfSet: children(database, DistilledShards, 'distilledSetId', columns),
    filesOfLabelSet: children(database, LabelFiles, 'labelSetId', columns),
  };
}

export type Loaders = ReturnType<typeof createLoaders>;
