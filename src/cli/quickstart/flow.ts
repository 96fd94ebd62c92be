/** The main job, step by step, as any client would run it. Every step is idempotent by its key, so an interrupted quickstart goes on. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  type DatasetImportInput,
  type EvaluationConfigInput,
  type EvaluationQuery,
  operations,
  type PoolConfigInput,
  type RunConfigInput,
  type RunEvent,
  type TaskKind,
  type Teddyhub,
} from '../../../clients/typescript/src/index.js';
import { TeddyhubError } from '../../domain/errors.js';
import { publishSet } from '../support/publish.js';
import { startPhase } from './progress.js';
import { startOnce } from './start.js';

export interface QuickstartPlan {
  /** Tells this plan's idempotency keys from those of another. */
  salt: string;
  dataset: Pick<DatasetImportInput, 'name' | 'licence' | 'source'>;
  pool: PoolConfigInput;
  run: RunConfigInput;
  evaluation: EvaluationConfigInput;
  seed: number;
}

export interface QuickstartOutcome {
  distilledSetId: string;
  summary: NonNullable<EvaluationQuery['evaluation']>['summary'];
  seconds: { import: number; pool: number; synthesis: number; labels: number; evaluation: number };
}

const POLL_MS = 500;

interface Job {
  state: string;
  failure: { message: string } | null;
  progress: { fraction: number; step: number; totalSteps: number } | null;
}

/** Polls an object until it is done, moving the bar of its phase; what failed is thrown with its own line. */
async function follow<T extends Job>(
  label: string,
  read: () => Promise<T>,
  tell: (job: T) => string,
): Promise<[T, number]> {
  const phase = startPhase(label);
  try {
    for (;;) {
      const job = await read();
      if (job.state === 'READY' || job.state === 'SUCCEEDED') return [job, phase.done(tell(job))];
      throwIfEnded(label, job);
      phase.update(job.progress?.fraction ?? 0);
      await delay(POLL_MS);
    }
  } catch (error) {
    phase.abandon();
    throw error;
  }
}

function throwIfEnded(label: string, job: Pick<Job, 'state' | 'failure'>): void {
  if (job.state === 'FAILED' || job.state === 'CANCELED') {
    throw new TeddyhubError(
      'INVALID_STATE',
      `${label} ended as ${job.state}: ${job.failure?.message ?? 'it was cancelled'}`,
    );
  }
}

/** What is asked for by an id that the service has just given out. */
function required<T>(what: string, object: T | null): T {
  if (object === null) throw new TeddyhubError('INTERNAL', `The service does not find ${what} again.`);
  return object;
}

export async function runQuickstart(teddyhub: Teddyhub, plan: QuickstartPlan): Promise<QuickstartOutcome> {
  const datasetId = await startOnce(
    plan.salt,
    'dataset',
    plan.dataset,
    async (input) => (await teddyhub.mutate(operations.ImportDataset, input)).dataset,
  );
  const [, importSeconds] = await follow(
    'import',
    async () => required('the dataset', (await teddyhub.query(operations.Dataset, { id: datasetId })).dataset),
    (job) =>
      `${job.trainCount} + ${job.testCount} images of ${job.classNames.length} classes, ${job.skippedRecords.length} records skipped`,
  );

  const name = `quickstart ${plan.dataset.name}`;
  const teacherPoolId = await startOnce(
    plan.salt,
    'pool',
    { name, datasetId, seed: plan.seed, config: plan.pool },
    async (input) => (await teddyhub.mutate(operations.TrainTeacherPool, input)).teacherPool,
  );
  const [, poolSeconds] = await follow(
    'pool',
    async () => required('the pool', (await teddyhub.query(operations.TeacherPool, { id: teacherPoolId })).teacherPool),
    (job) =>
      `${job.teachers.nodes.length} teachers, ${accuracyRange(job.teachers.nodes.map((teacher) => teacher.accuracy))}`,
  );

  const runId = await startOnce(
    plan.salt,
    'run',
    { name, datasetId, teacherPoolId, seed: plan.seed, config: plan.run },
    async (input) => (await teddyhub.mutate(operations.StartDistillationRun, input)).distillationRun,
  );
  const stages = await followRun(teddyhub, runId);
  const { distillationRun } = await teddyhub.query(operations.DistillationRun, { id: runId });
  const { id: distilledSetId } = required('the distilled set', distillationRun?.distilledSet ?? null);
  await publishSet(teddyhub, distilledSetId);

  const evaluationId = await startOnce(
    plan.salt,
    'evaluation',
    { distilledSetId, config: plan.evaluation },
    async (input) => (await teddyhub.mutate(operations.StartEvaluation, input)).evaluation,
  );
  const [{ summary }, evaluationSeconds] = await follow(
    'evaluation',
    async () =>
      required('the evaluation', (await teddyhub.query(operations.Evaluation, { id: evaluationId })).evaluation),
    (job) => `${job.summary.reduce((sum, row) => sum + row.seeds, 0)} students`,
  );

  const seconds = { import: importSeconds, pool: poolSeconds, ...stages, evaluation: evaluationSeconds };
  return { distilledSetId, summary, seconds };
}

const accuracyRange = (accuracies: number[]): string =>
  `${Math.min(...accuracies).toFixed(1)} to ${Math.max(...accuracies).toFixed(1)} %`;

/** Which bar a run's tasks move. Statistics are part of making the images, publishing part of labelling them. */
const PHASE_OF_KIND: Partial<Record<TaskKind, 'synthesis' | 'labels'>> = {
  STATISTICS: 'synthesis',
  SYNTHESIS: 'synthesis',
  LABELING: 'labels',
  PUBLISHING: 'labels',
};

const SHARE_OF_KIND: Partial<Record<TaskKind, readonly [number, number]>> = {
  STATISTICS: [0, 0.4],
  SYNTHESIS: [0.4, 1],
  LABELING: [0, 0.9],
  PUBLISHING: [0.9, 1],
};

/** Statistics fill the first part of the first bar, publishing the end of the second: rough, but never backwards. */
function fractionOf({ kind, step, totalSteps }: Extract<RunEvent, { __typename: 'RunTaskProgress' }>): number {
  const [from, to] = SHARE_OF_KIND[kind] ?? [0, 1];
  return from + ((to - from) * step) / totalSteps;
}

/** Follows a run's events live; the two bars end with the run's states. */
async function followRun(teddyhub: Teddyhub, runId: string): Promise<{ synthesis: number; labels: number }> {
  const seconds = { synthesis: 0, labels: 0 };
  let label: 'synthesis' | 'labels' = 'synthesis';
  let phase = startPhase(label);
  let failed: string | undefined;
  try {
    for await (const event of teddyhub.runEvents(runId)) {
      if (event.__typename === 'RunStateChanged') {
        if (event.to === 'LABELING') {
          seconds.synthesis = phase.done();
          label = 'labels';
          phase = startPhase(label);
        } else if (event.to === 'SUCCEEDED') {
          seconds.labels = phase.done();
        } else if (event.to === 'FAILED' || event.to === 'CANCELED') {
          failed = `The run ended as ${event.to}: ${event.failure?.message ?? 'it was cancelled'}`;
        }
      } else if (
        event.__typename === 'RunTaskProgress' &&
        PHASE_OF_KIND[event.kind] === label &&
        event.totalSteps > 0
      ) {
        const loss = event.loss === null ? '' : `, loss ${event.loss.toFixed(2)}`;
        phase.update(fractionOf(event), `${event.kind.toLowerCase()} ${event.step} of ${event.totalSteps}${loss}`);
      }
    }
  } finally {
    phase.abandon();
  }
  if (failed !== undefined) throw new TeddyhubError('INVALID_STATE', failed);
  return seconds;
}
