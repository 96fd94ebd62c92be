/** The main job, step by step, as any client would run it. Every step is idempotent by its key, so an interrupted quickstart goes on. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { TeddyhubError } from '../../domain/errors.js';
import { digestOf } from '../../platform/object-store/object-store.js';
import type { GraphqlClient } from './client.js';
import * as operations from './operations.js';
import { startPhase } from './progress.js';

export interface QuickstartPlan {
  /** Tells this plan's idempotency keys from those of another. */
  salt: string;
  dataset: { name: string; licence?: string; source: Record<string, unknown> };
  pool: Record<string, unknown>;
  run: Record<string, unknown>;
  evaluation: Record<string, unknown>;
  seed: number;
}

export interface QuickstartOutcome {
  distilledSetId: string;
  summary: z.infer<typeof operations.evaluation.answer>['summary'];
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

export async function runQuickstart(client: GraphqlClient, plan: QuickstartPlan): Promise<QuickstartOutcome> {
  /** Creates an object, or finds the one that an interrupted quickstart with the same plan has created. */
  const start = async (
    operation: { document: string; answer: z.ZodType<{ id: string; state: string }> },
    input: Record<string, unknown>,
  ): Promise<{ id: string; state: string }> => {
    for (let attempt = 0; ; attempt++) {
      const idempotencyKey = digestOf(Buffer.from(JSON.stringify([plan.salt, attempt, operation.document, input])));
      const object = await client.mutate(operation.document, { ...input, idempotencyKey }, operation.answer);
      if (object.state !== 'FAILED' && object.state !== 'CANCELED') return object;
    }
  };

  const dataset = await start(operations.datasetImport, plan.dataset);
  const [, importSeconds] = await follow(
    'import',
    () => client.request(operations.dataset.document, { id: dataset.id }, operations.dataset.answer),
    (job) =>
      `${job.trainCount} + ${job.testCount} images of ${job.classNames.length} classes, ${job.skippedRecords.length} records skipped`,
  );

  const name = `quickstart ${plan.dataset.name}`;
  const poolInput = { name, datasetId: dataset.id, seed: plan.seed, config: plan.pool };
  const teacherPool = await start(operations.teacherPoolTrain, poolInput);
  const [, poolSeconds] = await follow(
    'pool',
    () => client.request(operations.teacherPool.document, { id: teacherPool.id }, operations.teacherPool.answer),
    (job) =>
      `${job.teachers.nodes.length} teachers, ${accuracyRange(job.teachers.nodes.map((teacher) => teacher.accuracy))}`,
  );

  const runInput = { name, datasetId: dataset.id, teacherPoolId: teacherPool.id, seed: plan.seed, config: plan.run };
  const run = await start(operations.distillationRunStart, runInput);
  const stages = await followRun(client, run.id);
  const { distilledSet } = await client.request(
    operations.distillationRun.document,
    { id: run.id },
    operations.distillationRun.answer,
  );
  if (distilledSet === null) throw new TeddyhubError('INTERNAL', 'The run succeeded without a distilled set.');
  await client.mutate(
    operations.distilledSetPublish.document,
    { id: distilledSet.id },
    operations.distilledSetPublish.answer,
  );

  const evaluationInput = { distilledSetId: distilledSet.id, config: plan.evaluation };
  const evaluation = await start(operations.evaluationStart, evaluationInput);
  const [{ summary }, evaluationSeconds] = await follow(
    'evaluation',
    () => client.request(operations.evaluation.document, { id: evaluation.id }, operations.evaluation.answer),
    (job) => `${job.summary.reduce((sum, row) => sum + row.seeds, 0)} students`,
  );

  const seconds = { import: importSeconds, pool: poolSeconds, ...stages, evaluation: evaluationSeconds };
  return { distilledSetId: distilledSet.id, summary, seconds };
}

const accuracyRange = (accuracies: number[]): string =>
  `${Math.min(...accuracies).toFixed(1)} to ${Math.max(...accuracies).toFixed(1)} %`;

/** Which bar a run's tasks move. Statistics are part of making the images, publishing part of labelling them. */
const PHASE_OF_KIND: Record<string, 'synthesis' | 'labels'> = {
  STATISTICS: 'synthesis',
  SYNTHESIS: 'synthesis',
  LABELING: 'labels',
  PUBLISHING: 'labels',
};

const SHARE_OF_KIND: Record<string, readonly [number, number]> = {
  STATISTICS: [0, 0.4],
  SYNTHESIS: [0.4, 1],
  LABELING: [0, 0.9],
  PUBLISHING: [0.9, 1],
};

/** Statistics fill the first part of the first bar, publishing the end of the second: rough, but never backwards. */
function fractionOf({ kind, step, totalSteps }: { kind: string; step: number; totalSteps: number }): number {
  const [from, to] = SHARE_OF_KIND[kind] ?? [0, 1];
  return from + ((to - from) * step) / totalSteps;
}

/** Follows a run's events live; the two bars end with the run's states. */
async function followRun(client: GraphqlClient, runId: string): Promise<{ synthesis: number; labels: number }> {
  const seconds = { synthesis: 0, labels: 0 };
  let label: 'synthesis' | 'labels' = 'synthesis';
  let phase = startPhase(label);
  let failed: string | undefined;
  try {
    await client.subscribe(
      operations.runEvents.document,
      { runId, afterSequence: 0 },
      operations.runEvents.answer,
      (event) => {
        if (event.type === 'STATE_CHANGED') {
          if (event.to === 'LABELING') {
            seconds.synthesis = phase.done();
            label = 'labels';
            phase = startPhase(label);
          } else if (event.to === 'SUCCEEDED') {
            seconds.labels = phase.done();
          } else if (event.to === 'FAILED' || event.to === 'CANCELED') {
            failed = `The run ended as ${event.to}: ${event.failure?.message ?? 'it was cancelled'}`;
          }
          return;
        }
        if (event.type !== 'TASK_PROGRESS' || event.totalSteps === 0 || PHASE_OF_KIND[event.kind] !== label) return;
        const loss = event.loss === null ? '' : `, loss ${event.loss.toFixed(2)}`;
        phase.update(fractionOf(event), `${event.kind.toLowerCase()} ${event.step} of ${event.totalSteps}${loss}`);
      },
    );
  } finally {
    phase.abandon();
  }
  if (failed !== undefined) throw new TeddyhubError('INVALID_STATE', failed);
  return seconds;
}
