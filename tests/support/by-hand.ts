/** A worker without processes: claims and completes tasks with made-up results, to see what the run engine makes of them. */
import { architectureConfig } from '../../src/domain/config/architecture.js';
import { newId } from '../../src/domain/ids.js';
import type { JobKind, JobResult } from '../../src/domain/jobs/contracts.js';
import type { Backend, Claim } from '../../src/platform/orchestration/index.js';
import { claimTask, completeTask } from '../../src/platform/orchestration/index.js';
import { someDigest, someObject } from './seeds.js';

const architecture = architectureConfig.parse({});
const shard = () => ({ ...someObject(), samples: 10 });

/** A result that its contract accepts. */
export const RESULTS: { [K in JobKind]: () => JobResult<K> } = {
  DATASET_IMPORT: () => ({
    classNames: ['left', 'right'],
    shape: { height: 8, width: 8, channels: 1 },
    mean: [0.5],
    std: [0.25],
    train: [shard(), shard()],
    test: [shard()],
    trainPerClass: [10, 10],
    contentDigest: someDigest(),
    layout: 'CLASS_FOLDERS',
    classOrder: 'SORTED',
    skipped: [],
    duplicates: [],
    duplicateCount: 0,
  }),
  POOL_TRAINING: () => ({
    teachers: [
      { index: 0, kind: 'EARLY_EPOCH', architecture, epoch: 1, accuracy: 60, checkpoint: someObject() },
      { index: 1, kind: 'RANDOM_INIT', architecture, epoch: null, accuracy: 50, checkpoint: someObject() },
    ],
  }),
  STATISTICS: () => ({ statistics: someObject() }),
  SYNTHESIS: () => ({ images: someObject(), samples: 80, finalLoss: 1 }),
  LABELING: () => ({ static: someObject(), fkd: [{ ...someObject(), name: 'fkd-000000.safetensors' }] }),
  PUBLISHING: () => ({
    shards: [{ ...shard(), name: '000000.tar' }],
    static: someObject(),
    fkd: [{ ...someObject(), name: 'fkd-000000.safetensors' }],
    manifest: someObject(),
    digest: someDigest(),
    samples: 80,
  }),
  EVALUATION: () => ({
    results: [
      {
        ...{ labelKind: 'SOFT', top1Last: 80, top1Best: 81, top5Last: 99, top5Best: 99, studentSteps: 400, seconds: 3 },
        readings: [
          { step: 200, top1: 81, top5: 99 },
          { step: 400, top1: 80, top5: 99 },
        ],
      },
    ],
  }),
};

export interface Owner {
  datasetId?: string;
  poolId?: string;
  runId?: string;
  evaluationId?: string;
}

/** The next task of an owner that the queue offers; fails the test where there is none. */
export async function nextTask({ database }: Backend, owner: Owner) {
  const queued = await database.task.findMany({ where: { ...owner, state: 'QUEUED' }, select: { id: true } });
  const ids = queued.map(({ id }) => id);
  const offered = await database.$queryRaw<{ id: string }[]>`SELECT id FROM pgboss.job WHERE id = ANY(${ids}::uuid[])`;
  return database.task.findFirstOrThrow({
    where: { id: { in: offered.map(({ id }) => id) } },
    orderBy: [{ createdAt: 'asc' }, { kind: 'asc' }, { index: 'asc' }],
  });
}

export async function claimNext(backend: Backend, owner: Owner, workerId?: string): Promise<Claim> {
  const claim = await claimTask(backend, (await nextTask(backend, owner)).id, workerId ?? (await newWorker(backend)));
  if (claim === null) throw new Error('there was nothing to claim');
  return claim;
}

export const complete = (backend: Backend, claim: Claim) => completeTask(backend, claim, RESULTS[claim.kind]());

/** Does every task of an owner until none is left; answers their kinds in the order they were done. */
export async function workOff(backend: Backend, owner: Owner): Promise<JobKind[]> {
  const done: JobKind[] = [];
  while ((await backend.database.task.count({ where: { ...owner, state: 'QUEUED' } })) > 0) {
    const claim = await claimNext(backend, owner);
    await complete(backend, claim);
    done.push(claim.kind);
  }
  return done;
}

export async function newWorker({ database }: Backend, heartbeatAt = new Date()): Promise<string> {
  const name = `by-hand-${newId()}`;
  const data = { name, hostname: 'test', pid: 1, device: 'hands', tensorflowVersion: 'none', heartbeatAt };
  return (await database.worker.create({ data })).id;
}
