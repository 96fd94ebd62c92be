/** How a run is cut into tasks that are independent of each other. Pure: equal input, equal plan. */
import type { BASELINES, EvaluationConfig, RunConfig, SynthesisConfig } from './config.js';
import type { JobKind } from './jobs/contracts.js';
import type { TeacherRef } from './jobs/references.js';
import type { RunState } from './run-lifecycle.js';

/** The stages of a run in order, and the kind of task each of them waits for. */
export const STAGES = [
  { state: 'PREPARING', kind: 'STATISTICS' },
  { state: 'SYNTHESIZING', kind: 'SYNTHESIS' },
  { state: 'LABELING', kind: 'LABELING' },
  { state: 'PUBLISHING', kind: 'PUBLISHING' },
] as const satisfies readonly { state: RunState; kind: JobKind }[];

export type Stage = (typeof STAGES)[number];

/** The stage that tasks of this kind belong to; undefined for kinds that are no part of a run. */
export const stageOf = (kind: JobKind): Stage | undefined => STAGES.find((stage) => stage.kind === kind);

export const stageAfter = (stage: Stage): Stage | undefined => STAGES[STAGES.indexOf(stage) + 1];

export interface SynthesisSlice {
  /** With the run's seed it fixes the task's randomness. */
  taskIndex: number;
  /** Full images' worth of every class; the last task takes what is left. */
  imagesPerClass: number;
}

/** Every task makes every class, `imagesPerClassPerTask` images' worth of each. */
export function planSynthesis(config: SynthesisConfig): SynthesisSlice[] {
  const { imagesPerClass, imagesPerClassPerTask } = config;
  const tasks = Math.ceil(imagesPerClass / imagesPerClassPerTask);
  return Array.from({ length: tasks }, (_, taskIndex) => ({
    taskIndex,
    imagesPerClass: Math.min(imagesPerClassPerTask, imagesPerClass - taskIndex * imagesPerClassPerTask),
  }));
}

export interface EvaluationSlice {
  subject: 'DISTILLED_SET' | (typeof BASELINES)[number];
  seed: number;
  labelKinds: EvaluationConfig['labelKinds'];
}

/** One student a subject and seed. Seeds go outermost, so that a set and its baseline are known together early. */
export function planEvaluation(config: EvaluationConfig): EvaluationSlice[] {
  const subjects = [...new Set(['DISTILLED_SET', ...config.baselines] as const)];
  const { labelKinds } = config;
  return [...new Set(config.seeds)].flatMap((seed) =>
    subjects.map((subject) => ({
      subject,
      seed,
      labelKinds: subject === 'FULL_REAL' ? (['HARD'] as const).slice() : labelKinds,
    })),
  );
}

type Candidate = Pick<TeacherRef, 'kind' | 'accuracy'>;

/** The teachers that a run matches. */
export function pickMatchedTeachers<T extends Candidate>(
  teachers: readonly T[],
  { kinds, minAccuracy, maxAccuracy }: RunConfig['teachers'],
): T[] {
  return teachers.filter(
    ({ kind, accuracy }) => kinds.includes(kind) && accuracy >= minAccuracy && accuracy <= maxAccuracy,
  );
}

/** The teachers that may label. What was never trained has nothing to say about classes. */
export const trainedTeachers = <T extends Candidate>(teachers: readonly T[]): T[] =>
  teachers.filter(({ kind }) => kind !== 'RANDOM_INIT');

/** The `ensembleSize` most accurate of the trained teachers label; of equals, the earlier in the pool. */
export function pickLabelTeachers<T extends Candidate & { index: number }>(
  teachers: readonly T[],
  labels: RunConfig['labels'],
): T[] {
  return trainedTeachers(teachers)
    .sort((a, b) => b.accuracy - a.accuracy || a.index - b.index)
    .slice(0, labels.ensembleSize);
}
