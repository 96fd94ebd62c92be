import type { Viewer } from '../../domain/viewer.js';
import { ApiKey } from '../api-key/api-key.type.js';
import { AuditEvent } from '../audit/audit-event.type.js';
import { Dataset } from '../dataset/dataset.type.js';
import { DistillationRun } from '../distillation-run/distillation-run.type.js';
import { DistilledSet, DistilledShard, LabelFile, LabelSet } from '../distilled-set/distilled-set.type.js';
import { Evaluation } from '../evaluation/evaluation.type.js';
import type { Loaders } from '../index.js';
import { fromRow, type Node, type NodeType, readGlobalId } from '../kit/node.js';
import { assertAllowed, readPermission } from '../kit/permissions.js';
import { Project } from '../project/project.type.js';
import { Task } from '../task/task.type.js';
import { Teacher, TeacherPool } from '../teacher-pool/teacher-pool.type.js';
import { Worker } from '../worker/worker.type.js';

interface NodeOf {
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
}

interface Reader {
  viewer: Viewer;
  loaders: Loaders;
}

/** The way to one object, by whatever path: the loaders know the objects of the viewer's project, and no others. */
export class NodeService {
  /** The object that a client asks for; null where the id is malformed, of another type, or names nothing. */
  async get<T extends NodeType>(reader: Reader, type: T, globalId: string): Promise<NodeOf[T] | null> {
    assertAllowed(reader.viewer, readPermission(type));
    const id = readGlobalId(globalId);
    return id?.type === type ? load(reader.loaders, type, id.uuid) : null;
  }

  async find(reader: Reader, globalId: string): Promise<Node | null> {
    assertAllowed(reader.viewer, 'object:read');
    const id = readGlobalId(globalId);
    if (id) assertAllowed(reader.viewer, readPermission(id.type));
    return id ? load(reader.loaders, id.type, id.uuid) : null;
  }

  /** What a mutation has just written. */
  async reload<T extends NodeType>(reader: Reader, type: T, uuid: string | null): Promise<NodeOf[T] | null> {
    if (uuid === null) return null;
    reader.loaders.byId[type].clear(uuid);
    return load(reader.loaders, type, uuid);
  }

  relatedOrNull<T extends NodeType>(reader: Reader, type: T, uuid: string | null): Promise<NodeOf[T] | null> {
    return uuid === null ? Promise.resolve(null) : load(reader.loaders, type, uuid);
  }

  /** An object that a foreign key vouches for. */
  async related<T extends NodeType>(reader: Reader, type: T, uuid: string): Promise<NodeOf[T]> {
    const node = await load(reader.loaders, type, uuid);
    if (node === null) throw new Error(`${type} ${uuid} is referred to, and not there.`);
    return node;
  }
}

const LOAD: { [T in NodeType]: (loaders: Loaders, uuid: string) => Promise<NodeOf[T] | null> } = {
  Dataset: async ({ byId }, uuid) => nodeOf(Dataset, await byId.Dataset.load(uuid)),
  TeacherPool: async ({ byId }, uuid) => nodeOf(TeacherPool, await byId.TeacherPool.load(uuid)),
  Teacher: async ({ byId }, uuid) => nodeOf(Teacher, await byId.Teacher.load(uuid)),
  DistillationRun: async ({ byId }, uuid) => nodeOf(DistillationRun, await byId.DistillationRun.load(uuid)),
  Task: async ({ byId }, uuid) => nodeOf(Task, await byId.Task.load(uuid)),
  DistilledSet: async ({ byId }, uuid) => nodeOf(DistilledSet, await byId.DistilledSet.load(uuid)),
  Evaluation: async ({ byId }, uuid) => nodeOf(Evaluation, await byId.Evaluation.load(uuid)),
  Worker: async ({ byId }, uuid) => nodeOf(Worker, await byId.Worker.load(uuid)),
  ApiKey: async ({ byId }, uuid) => nodeOf(ApiKey, await byId.ApiKey.load(uuid)),
  AuditEvent: async ({ byId }, uuid) => nodeOf(AuditEvent, await byId.AuditEvent.load(uuid)),
  Project: async ({ byId }, uuid) => nodeOf(Project, await byId.Project.load(uuid)),
  DistilledShard: async ({ byId }, uuid) => nodeOf(DistilledShard, await byId.DistilledShard.load(uuid)),
  LabelSet: async ({ byId }, uuid) => nodeOf(LabelSet, await byId.LabelSet.load(uuid)),
  LabelFile: async ({ byId }, uuid) => nodeOf(LabelFile, await byId.LabelFile.load(uuid)),
};

const load = <T extends NodeType>(loaders: Loaders, type: T, uuid: string): Promise<NodeOf[T] | null> =>
  LOAD[type](loaders, uuid);

const nodeOf = <N extends Node>(type: new () => N, row: Parameters<typeof fromRow<N>>[1] | null): N | null =>
  row === null ? null : fromRow(type, row);
