/** Real runs of a small pool over a small dataset, computed by worker processes in seconds. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { poolConfig } from '../../src/domain/config/pool.js';
import { runConfig } from '../../src/domain/config/run.js';
import { isTerminal } from '../../src/domain/run-lifecycle.js';
import type {
  Dataset,
  DistillationRun,
  Prisma,
  Project,
  TeacherPool,
} from '../../src/platform/database/generated/client.js';
import { requestRunCancel, startImport, startPoolTraining, startRun } from '../../src/platform/orchestration/index.js';
import { toJson } from '../../src/platform/orchestration/work.js';
import { createGate } from './gate.js';
import { writeIdxDataset } from './idx.js';
import { until } from './until.js';
import type { World } from './world.js';

/** Longer than the queue takes to notice that a worker is gone: heartbeats of 10 s, looked at every 2 s. */
const LOST_MS = 40_000;
const ARCHITECTURE = { name: 'CONVNET', width: 8, depth: 2 } as const;
/** Long enough to be killed in the middle, with checkpoints on the way. */
const SYNTHESIS = { imagesPerClass: 2, formation: 1, steps: 100, checkpointEvery: 10 } as const;
/** The last checkpoint of a run that is midway: the next one is held up. */
const MIDWAY = 20;

export type SmallRuns = Awaited<ReturnType<typeof openSmallRuns>>;

/** Imports the dataset, trains the pool and waits for both: a worker has to be there. */
export async function openSmallRuns(world: World) {
  const { database } = world;
  const project: Project = await database.project.create({ data: { name: 'small runs' } });
  const shape = { classes: 2, perClass: 40, testPerClass: 10, height: 8, width: 8, seed: 1 };
  const source = await writeIdxDataset(join(world.stateDir, 'idx'), shape);
  const dataset: Dataset = await world.transact(async (work) => {
    const made = await work.tx.dataset.create({ data: { projectId: project.id, name: 'squares', source } });
    await startImport(work, made.id);
    return made;
  });
  await ready('the import', () => database.dataset.findUniqueOrThrow({ where: { id: dataset.id } }));
  const config = poolConfig.parse({
    architecture: ARCHITECTURE,
    epochs: 1,
    batchSize: 16,
    checkpointEpochs: [1],
    randomInitTeachers: 0,
  });
  const pool: TeacherPool = await world.transact(async (work) => {
    const data = { projectId: project.id, datasetId: dataset.id, name: 'weak', config: toJson(config), seed: 3 };
    const made = await work.tx.teacherPool.create({ data });
    await startPoolTraining(work, made.id);
    return made;
  });
  await ready('the pool', () => database.teacherPool.findUniqueOrThrow({ where: { id: pool.id } }));

  const gate = await createGate(world, {
    table: 'Task',
    when: `NEW."kind" = 'SYNTHESIS' AND NEW."checkpointStep" > ${MIDWAY} AND NEW."checkpointStep" <> OLD."checkpointStep"`,
  });
  const runOf = (id: string) => database.distillationRun.findUniqueOrThrow({ where: { id } });
  const synthesisOf = (runId: string) =>
    database.task.findFirst({
      where: { runId, kind: 'SYNTHESIS' },
      include: { taskAttempts: { orderBy: { number: 'asc' } } },
    });
  const newRun = (synthesis = {}): Promise<DistillationRun> => {
    const config = runConfig.parse({
      synthesis: { ...SYNTHESIS, ...synthesis },
      labels: { staticViews: 1, fkdSteps: 2, fkdBatchSize: 8 },
    });
    const data = { projectId: project.id, datasetId: dataset.id, poolId: pool.id, name: 'run', seed: 7 };
    return world.transact(async (work) => {
      const run = await work.tx.distillationRun.create({ data: { ...data, config: toJson(config) } });
      await startRun(work, run.id);
      return run;
    });
  };
  return {
    dataset,
    runOf,
    synthesisOf,
    newRun,
    /** The digest of the images that a run has made. */
    async imagesOf(runId: string) {
      const result = (await synthesisOf(runId))?.result as { images: { digest: string } } | undefined;
      return result?.images.digest;
    },
    /** Of all bytes that the tasks of a run left but for those that name its set: images in the order of the tasks, and labels. */
    async digestsOf(runId: string) {
      const kinds = { in: ['SYNTHESIS', 'LABELING'] } satisfies Prisma.EnumTaskKindFilter;
      const tasks = await database.task.findMany({
        where: { runId, kind: kinds },
        orderBy: [{ kind: 'asc' }, { index: 'asc' }],
      });
      return JSON.stringify(tasks.map(({ result }) => result)).match(/sha256:[0-9a-f]+/g) ?? [];
    },
    succeeded: (runId: string, timeoutMs = LOST_MS) =>
      until(
        `run ${runId} has succeeded`,
        async () => {
          const { state, failureMessage } = await runOf(runId);
          assert.notEqual(state, 'FAILED', failureMessage ?? '');
          return state === 'SUCCEEDED';
        },
        timeoutMs,
      ),
    /**
     * Starts a run whose synthesis comes midway and no further until `goOn`: it has a checkpoint and some steps beyond, and
     * waits for the next checkpoint to be recorded, however slow or quick the machine is.
     */
    async midway(synthesis = {}) {
      const goOn = await gate.close();
      const run = await newRun(synthesis);
      await until('the synthesis waits midway', gate.isSomeoneWaiting);
      const task = await synthesisOf(run.id);
      assert.equal(task?.checkpointStep, MIDWAY);
      return { run, task, goOn };
    },
    /** For the end of a test: what one that failed left behind is not to be the next one's trouble. */
    async leaveNothing(): Promise<void> {
      await gate.open();
      for (const { id, state } of await database.distillationRun.findMany()) {
        if (!isTerminal(state)) await world.transact((work) => requestRunCancel(work, id, 'its test is over'));
      }
    },
    /** How every attempt at the synthesis ended, in order. */
    outcomes: async (runId: string) => (await synthesisOf(runId))?.taskAttempts.map((attempt) => attempt.outcome),
  };
}

const ready = (what: string, look: () => Promise<{ state: string; failureMessage: string | null }>) =>
  until(`${what} is READY`, async () => {
    const { state, failureMessage } = await look();
    assert.notEqual(state, 'FAILED', failureMessage ?? '');
    return state === 'READY';
  });
