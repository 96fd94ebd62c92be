/** A project with at least one of everything, for a key of another project to find nothing of. */
import { createHash } from 'node:crypto';
import { newId } from '../../../src/domain/ids.js';
import { datasetSource } from '../../../src/domain/jobs/dataset-import.js';
import { encodeShard } from '../../../src/formats/distilled-shards.js';
import { NODE_TYPES, type NodeType, toGlobalId } from '../../../src/modules/kit/node.js';
import { putByDigest } from '../../../src/platform/object-store/object-store.js';
import { handBackTask, reportProgress, startRun } from '../../../src/platform/orchestration/index.js';
import { toJson } from '../../../src/platform/orchestration/work.js';
import { claimNext, newWorker, workOff } from '../../support/by-hand.js';
import { type SeededSet, type SetContent, seedPublishedSet } from '../../support/published-set.js';
import { seedDataset, seedEvaluation, seedPool, seedRun } from '../../support/seeds.js';
import type { TestApi } from '../server.js';

/** One shard with one image, which exports can read. */
async function readableContent(): Promise<SetContent> {
  const image = {
    index: 0,
    pixels: new Uint8Array(64),
    label: 0,
    className: 'left',
    slot: 0,
    cell: 0,
    staticLogits: null,
  };
  const bytes = await encodeShard([image], { height: 8, width: 8, channels: 1 });
  const labels = (name: string) => [{ name, bytes: Buffer.from(name) }];
  return {
    shards: [{ name: '000000.tar', bytes, samples: 1 }],
    labels: { STATIC: labels('static.safetensors'), FKD: labels('fkd-000000.safetensors') },
  };
}

export interface Everything {
  ids: Record<NodeType, string>;
  set: SeededSet;
  /** Texts that no answer to another project may hold. */
  secrets: string[];
}

export async function seedEverything(api: TestApi): Promise<Everything> {
  const { world, project } = api;
  const { database, queue } = world;
  const backend = { database, queue };
  const set = await seedPublishedSet(world, project, 'PUBLISHED', await readableContent());
  const dataset = await seedDataset(database, project);
  const skippedRecords = [{ split: 'TRAIN', record: 'record 1', reason: 'torn' }];
  const duplicates = [
    { split: 'TRAIN', record: 'record 2', sameAs: 'record 3', acrossSplits: false, acrossClasses: true },
  ];
  const source = toJson(datasetSource.parse({ kind: 'FILES', path: '/nowhere' }));
  await database.dataset.update({ where: { id: dataset.id }, data: { skippedRecords, duplicates, source } });
  const token = await database.distilledSetToken.create({
    data: {
      distilledSetId: set.id,
      ...{ name: 'token', prefix: 'token', secretHash: 'none', expiresAt: new Date(Date.now() + 3_600_000) },
    },
  });
  const pool = await seedPool(database, dataset);
  const imports = [{ path: '/nowhere', architecture: { name: 'CONVNET' } }];
  await database.teacherPool.update({
    where: { id: pool.id },
    data: { config: { ...(pool.config as object), imports } },
  });
  const run = await seedRun(database, pool, {
    synthesis: { imagesPerClass: 1, architectureWeights: [{ name: 'CONVNET', weight: 0.5 }] },
  });
  await world.transact((work) => startRun(work, run.id));
  const claim = await claimNext(backend, { runId: run.id });
  await reportProgress(backend, claim, { step: 1, totalSteps: 2, loss: 0.5 }, [{ name: 'loss', step: 1, value: 0.5 }]);
  await handBackTask(backend, claim, 'drained');
  await workOff(backend, { runId: run.id });
  const evaluation = await seedEvaluation(database, { id: set.id, projectId: project.id, digest: set.manifest.digest });
  const failure = {
    failureKind: 'SYSTEM',
    failureCode: 'INTERNAL',
    failureMessage: 'x',
    failureRetryable: true,
  } as const;
  await database.evaluation.update({ where: { id: evaluation.id }, data: { state: 'FAILED', ...failure } });
  await database.evaluationResult.createMany({
    data: (['DISTILLED_SET', 'RANDOM_REAL', 'FULL_REAL'] as const).flatMap((subject) =>
      (['SOFT', 'HARD'] as const).flatMap((labelKind) =>
        [0, 1].map((seed) => ({
          ...{ evaluationId: evaluation.id, subject, labelKind, seed },
          ...{ top1Last: 50 + seed, top1Best: 51 + seed, top5Last: 90, top5Best: 91, studentSteps: 10, seconds: 1 },
          readings: [{ step: 10, top1: 50 + seed, top5: 90 }],
        })),
      ),
    ),
  });
  const own = await database.distilledSet.findUniqueOrThrow({ where: { runId: run.id } });
  const finished = await seedEvaluation(database, own);
  await database.evaluation.update({ where: { id: finished.id }, data: { state: 'SUCCEEDED' } });
  await database.evaluationResult.create({
    data: {
      ...{ evaluationId: finished.id, subject: 'DISTILLED_SET', labelKind: 'SOFT', seed: 0 },
      ...{ top1Last: 50, top1Best: 51, top5Last: 90, top5Best: 91, studentSteps: 10, seconds: 1 },
    },
  });
  const [origin, derived] = [await seedRun(database, pool), await seedRun(database, pool)];
  await database.distillationRun.update({
    where: { id: run.id },
    data: { originRunId: origin.id, originKind: 'CLONE', labels: ['one'] },
  });
  await database.distillationRun.update({
    where: { id: derived.id },
    data: { originRunId: run.id, originKind: 'RETRY' },
  });
  // It stays alive for as long as the test takes.
  const workerId = await newWorker(backend, new Date(Date.now() + 3_600_000));
  const task = await database.task.create({
    data: { projectId: project.id, kind: 'SYNTHESIS', state: 'RUNNING', runId: run.id, workerId, payload: {} },
  });
  await database.taskAttempt.create({ data: { taskId: task.id, number: 1, fence: 1, workerId } });
  const seeded = await database.teacher.findFirstOrThrow({ where: { poolId: pool.id } });
  const stored = await putByDigest(world.store, 'checkpoints', Buffer.from('a state dict'), '.safetensors');
  const teacher = await database.teacher.update({
    where: { id: seeded.id },
    data: { checkpointKey: stored.key, checkpointDigest: stored.digest, checkpointBytes: stored.bytes },
  });
  const apiKey = await database.apiKey.findFirstOrThrow({ where: { projectId: project.id, role: 'VIEWER' } });
  const shard = await database.distilledShard.findFirstOrThrow({ where: { distilledSetId: set.id } });
  const labels = await database.labelSet.findFirstOrThrow({ where: { distilledSetId: set.id } });
  const file = await database.labelFile.findFirstOrThrow({ where: { labelSetId: labels.id } });
  const auditEvent = await database.auditEvent.create({
    data: {
      projectId: project.id,
      actor: 'key:12345678',
      action: 'distillationRunStart',
      subjectType: 'DistillationRun',
      subjectId: run.id,
      data: { seed: 1 },
    },
  });
  const uuids: Record<NodeType, string> = {
    Dataset: dataset.id,
    TeacherPool: pool.id,
    Teacher: teacher.id,
    DistillationRun: run.id,
    Task: task.id,
    DistilledSet: set.id,
    Evaluation: evaluation.id,
    Worker: workerId,
    ApiKey: apiKey.id,
    AuditEvent: auditEvent.id,
    Project: project.id,
    DistilledShard: shard.id,
    LabelSet: labels.id,
    LabelFile: file.id,
    DistilledSetToken: token.id,
  };
  const ids = Object.fromEntries(NODE_TYPES.map((type) => [type, toGlobalId(type, uuids[type])])) as Everything['ids'];
  // Workers serve all projects.
  const ofProject = NODE_TYPES.filter((type) => type !== 'Worker');
  const digests = [set.manifest.digest, dataset.contentDigest ?? '', teacher.checkpointDigest];
  return { ids, set, secrets: [...ofProject.flatMap((type) => [ids[type], uuids[type]]), ...digests] };
}

/** Ids of the right types that name nothing. */
export const idsOfNothing = (): Record<string, string> =>
  Object.fromEntries(NODE_TYPES.map((type) => [type, toGlobalId(type, newId())]));

/** Of all rows of the project, but for what a request changes by being made. */
export async function fingerprint({ world: { database }, project }: TestApi): Promise<string> {
  const where = { projectId: project.id };
  const rows = await Promise.all([
    database.apiKey.findMany({ where, omit: { lastUsedAt: true }, orderBy: { id: 'asc' } }),
    database.dataset.findMany({ where, orderBy: { id: 'asc' } }),
    database.teacherPool.findMany({ where, orderBy: { id: 'asc' } }),
    database.distillationRun.findMany({ where, orderBy: { id: 'asc' } }),
    database.task.findMany({ where, orderBy: { id: 'asc' } }),
    database.distilledSet.findMany({ where, orderBy: { id: 'asc' } }),
    database.evaluation.findMany({ where, orderBy: { id: 'asc' } }),
    database.auditEvent.findMany({ where, orderBy: { id: 'asc' } }),
  ]);
  return createHash('sha256').update(JSON.stringify(rows)).digest('hex');
}
