/** How a run is cut into tasks that are independent of each other. Pure: equal input, equal plan. */
import { activationBytes } from './architectures.js';
import { architectureConfig } from './config/architecture.js';
import type { BASELINES, EvaluationConfig } from './config/evaluation.js';
import { type RunConfig, type SynthesisConfig, weightOf } from './config/run.js';
import type { JobKind } from './jobs/contracts.js';
import type { DatasetRef, TeacherRef } from './jobs/references.js';
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
  /** Positions of its classes in the dataset. */
  classes: number[];
  /** Full images' worth of every class that tasks before it make. */
  firstImage: number;
  /** Full images' worth of each of its classes; the last tasks take what is left. */
  imagesPerClass: number;
}

/**
 * What the activations of a task's step may take where a run does not say how many classes a task has: what a machine of 12 GB
 * has for them. On a larger one, a run says so by its `classesPerTask`.
 */
const TASK_BYTES = 8 * 2 ** 30;

type Planned = Pick<DatasetRef, 'classNames' | 'shape'>;
type Matched = readonly Pick<TeacherRef, 'architecture'>[];

/** Moments want many classes, class means several images of each: what has no room loses images before it loses classes. */
function largestTask(config: SynthesisConfig, { classNames, shape }: Planned, teachers: Matched) {
  const { imagesPerClass, imagesPerClassPerTask, classesPerTask, formation, teachersPerStep } = config;
  const all = classNames.length;
  const most = Math.min(imagesPerClass, imagesPerClassPerTask);
  if (classesPerTask > 0) return { classes: Math.min(classesPerTask, all), images: most };
  const bytes = Math.max(...teachers.map(({ architecture }) => activationBytes(architecture, shape)));
  const room = Math.max(1, Math.floor(TASK_BYTES / (bytes * teachersPerStep * formation ** 2)));
  const images = Math.min(most, Math.max(1, Math.floor(room / all)));
  return { classes: Math.min(all, Math.floor(room / images)), images };
}

/** How many tasks a plan would have, without making it. */
export function countSynthesisTasks(config: SynthesisConfig, dataset: Planned, teachers: Matched): number {
  const { classes, images } = largestTask(config, dataset, teachers);
  return Math.ceil(dataset.classNames.length / classes) * Math.ceil(config.imagesPerClass / images);
}

/** Classes are dealt out to the tasks in turns: neighbours in a dataset's order are often alike, and a task's are to be a fair sample. */
export function planSynthesis(config: SynthesisConfig, dataset: Planned, teachers: Matched): SynthesisSlice[] {
  const { classes, images } = largestTask(config, dataset, teachers);
  const count = Math.ceil(dataset.classNames.length / classes);
  const groups = Array.from({ length: count }, (): number[] => []);
  for (const c of dataset.classNames.keys()) groups[c % count]?.push(c);
  const rounds = Array.from({ length: Math.ceil(config.imagesPerClass / images) }, (_, round) => round * images);
  return rounds
    .flatMap((firstImage) => groups.map((group) => ({ firstImage, classes: group })))
    .map(({ firstImage, classes: group }, taskIndex) => ({
      taskIndex,
      classes: group,
      firstImage,
      imagesPerClass: Math.min(images, config.imagesPerClass - firstImage),
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
  const labelKinds = [...new Set(config.labelKinds)];
  return [...new Set(config.seeds)].flatMap((seed) =>
    subjects.map((subject) => ({
      subject,
      seed,
      labelKinds: subject === 'FULL_REAL' ? (['HARD'] as const).slice() : labelKinds,
    })),
  );
}

type Candidate = Pick<TeacherRef, 'kind' | 'accuracy'>;

/** The teachers that a run's selection leaves, whatever weight they have. */
export function pickSelectedTeachers<T extends Candidate>(
  teachers: readonly T[],
  { kinds, minAccuracy, maxAccuracy }: RunConfig['teachers'],
): T[] {
  return teachers.filter(
    ({ kind, accuracy }) => kinds.includes(kind) && accuracy >= minAccuracy && accuracy <= maxAccuracy,
  );
}

/** The teachers that a run matches. Those of weight 0 have no turn: a step without a gradient would still move the images. */
export function pickMatchedTeachers<T extends Candidate & { architecture: unknown }>(
  teachers: readonly T[],
  { teachers: selection, synthesis }: Pick<RunConfig, 'teachers' | 'synthesis'>,
): T[] {
  return pickSelectedTeachers(teachers, selection).filter(
    ({ architecture }) => weightOf(synthesis, architectureConfig.parse(architecture)) > 0,
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
