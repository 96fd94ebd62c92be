/** The loader of every type that has an id. They give objects, not rows: whatever refers to an object is given the same one. */
import type DataLoader from 'dataloader';
import { ApiKey } from '../api-key/api-key.type.js';
import { AuditEvent } from '../audit/audit-event.type.js';
import { Dataset } from '../dataset/dataset.type.js';
import { DistillationRun } from '../distillation-run/distillation-run.type.js';
import { DistilledSet, DistilledShard, LabelFile, LabelSet } from '../distilled-set/distilled-set.type.js';
import { Evaluation } from '../evaluation/evaluation.type.js';
import type { Repositories } from '../index.js';
import { byId } from '../kit/batch.js';
import type { Columns, ColumnsOf } from '../kit/columns.js';
import { type DataOf, fromRow, type Node, type NodeType } from '../kit/node.js';
import { Project } from '../project/project.type.js';
import { DistilledSetToken } from '../set-token/set-token.type.js';
import { Task } from '../task/task.type.js';
import { Teacher, TeacherPool } from '../teacher-pool/teacher-pool.type.js';
import { Worker } from '../worker/worker.type.js';

export interface NodeOf {
  Dataset: Dataset;
  TeacherPool: TeacherPool;
  Teacher: Teacher;
  DistillationRun: DistillationRun;
  Task: Task;
  DistilledSet: DistilledSet;
  Evaluation: Evaluation;
  Worker: Worker;
  ApiKey: ApiKey;
  AuditEvent: AuditEvent;
  Project: Project;
  DistilledShard: DistilledShard;
  LabelSet: LabelSet;
  LabelFile: LabelFile;
  DistilledSetToken: DistilledSetToken;
}

export type NodeLoaders = { [T in NodeType]: DataLoader<string, NodeOf[T] | null> };

export function nodeLoaders(repositories: Repositories, projectId: string, columnsOf: ColumnsOf): NodeLoaders {
  const { datasets, teacherPools, distillationRuns, tasks, distilledSets, evaluations } = repositories;
  const { workers, apiKeys, auditEvents, projects, setTokens } = repositories;
  /** Of what has long rows, as much as the operation needs. */
  const part = <N extends Node>(
    name: NodeType,
    type: new () => N,
    rows: {
      byIds(projectId: string, ids: readonly string[], columns?: Columns): Promise<(DataOf<N> & { id: string })[]>;
    },
  ) => {
    const columns = columnsOf(name);
    return nodes(type, (ids) => rows.byIds(projectId, ids, columns), columns);
  };
  return {
    Dataset: part('Dataset', Dataset, datasets),
    TeacherPool: part('TeacherPool', TeacherPool, teacherPools),
    Teacher: nodes(Teacher, (ids) => teacherPools.teachersByIds(projectId, ids)),
    DistillationRun: part('DistillationRun', DistillationRun, distillationRuns),
    Task: nodes(Task, (ids) => tasks.byIds(projectId, ids)),
    DistilledSet: part('DistilledSet', DistilledSet, distilledSets),
    Evaluation: part('Evaluation', Evaluation, evaluations),
    Worker: nodes(Worker, (ids) => workers.byIds(ids)),
    ApiKey: nodes(ApiKey, (ids) => apiKeys.byIds(projectId, ids)),
    AuditEvent: nodes(AuditEvent, (ids) => auditEvents.byIds(projectId, ids)),
    Project: nodes(Project, (ids) => projects.byIds(projectId, ids)),
    DistilledShard: nodes(DistilledShard, (ids) => distilledSets.shardsByIds(projectId, ids)),
    LabelSet: nodes(LabelSet, (ids) => distilledSets.labelSetsByIds(projectId, ids)),
    LabelFile: nodes(LabelFile, (ids) => distilledSets.labelFilesByIds(projectId, ids)),
    DistilledSetToken: nodes(DistilledSetToken, (ids) => setTokens.byIds(projectId, ids)),
  };
}

const nodes = <N extends Node>(
  type: new () => N,
  read: (ids: readonly string[]) => Promise<(DataOf<N> & { id: string })[]>,
  columns?: Columns,
): DataLoader<string, N | null> => byId(async (ids) => (await read(ids)).map((row) => fromRow(type, row, columns)));
