/** The stages of a run: which tasks each of them is made of, and when the next one begins. */

import { TeddyhubError } from '../../domain/errors.js';
import { newId } from '../../domain/ids.js';
import { JOB_CONTRACTS, type JobKind, type JobResult } from '../../domain/jobs/contracts.js';
import {
  pickLabelTeachers,
  planSynthesis,
  STAGES,
  type Stage,
  type SynthesisSlice,
  stageAfter,
} from '../../domain/task-planning.js';
import type { Transaction } from '../database/client.js';
import { loadRunInputs, loadStatistics, type RunInputs } from './inputs.js';
import { moveRun } from './run-log.js';
import { enqueueTasks, type NewTask } from './tasks.js';
import type { Work } from './work.js';

/**
 * Enqueues the tasks of the first stage that has something left to do: the statistics that no earlier run has left, or the
 * synthesis where there are none to make, or what a retry still lacks. The run stays QUEUED until a worker claims one.
 */
export async function enqueueFirstStage(work: Work, runId: string): Promise<void> {
  const inputs = await loadRunInputs(work.tx, runId);
  for (const stage of STAGES) {
    if (await enqueueStage(work, inputs, stage)) return;
  }
}

/**
 * Enqueues those tasks of a stage that the run has not done: new ones, and those that it holds from the run that it retries. What those
 * work on may have been made anew since. Answers whether there were any.
 */
async function enqueueStage(work: Work, inputs: RunInputs, stage: Stage): Promise<boolean> {
  const { id: runId } = inputs.run;
  const where = { runId, kind: stage.kind };
  // No task of a stage is offered before this, nor is one that was offered still QUEUED when its stage is looked at again.
  const held = await work.tx.task.findMany({ where: { ...where, state: 'QUEUED' }, select: HELD });
  const done = await work.tx.task.findMany({ where: { ...where, state: 'SUCCEEDED' }, select: { index: true } });
  const known = new Set(done.map(({ index }) => index));
  const tasks = (await tasksOf(stage, work.tx, inputs)).filter(({ index }) => !known.has(index));
  await enqueueTasks(work, ownerOf(inputs), tasks, held);
  return tasks.length > 0;
}

const HELD = {
  id: true,
  index: true,
  step: true,
  totalSteps: true,
  checkpointKey: true,
  checkpointStep: true,
} as const;

/**
 * Moves a run on when the last task of `stage` has succeeded. The caller holds the lock of the run, so of two tasks that
 * end at once exactly one finds nothing left to wait for.
 */
export async function advanceRun(work: Work, runId: string, stage: Stage): Promise<void> {
  const waiting = await work.tx.task.count({ where: { runId, kind: stage.kind, state: { not: 'SUCCEEDED' } } });
  if (waiting > 0) return;
  // Statistics that this run has not made may have been forgotten since it began.
  if (stage.kind === 'STATISTICS' && (await enqueueStage(work, await loadRunInputs(work.tx, runId), stage))) return;
  // A retry may have taken over all tasks of a stage.
  for (let next = stageAfter(stage); next !== undefined; next = stageAfter(next)) {
    if (!(await moveRun(work.tx, runId, next.state))) return;
    if (await enqueueStage(work, await loadRunInputs(work.tx, runId), next)) return;
  }
  await moveRun(work.tx, runId, 'SUCCEEDED');
}

async function tasksOf(stage: Stage, tx: Transaction, inputs: RunInputs): Promise<NewTask[]> {
  switch (stage.kind) {
    case 'STATISTICS':
      return statisticsTasks(tx, inputs);
    case 'SYNTHESIS':
      return synthesisTasks(tx, inputs);
    case 'LABELING':
      return labelingTasks(tx, inputs);
    case 'PUBLISHING':
      return publishingTasks(tx, inputs);
  }
}

async function statisticsTasks(tx: Transaction, inputs: RunInputs): Promise<NewTask[]> {
  const { dataset, matched } = inputs;
  const known = await loadStatistics(tx, dataset, matched);
  return matched
    .filter((teacher) => !known.has(teacher.checkpoint.digest))
    .map((teacher) => ({
      kind: 'STATISTICS',
      index: teacher.index,
      payload: { teacher },
    }));
}

/**
 * A retry keeps the slices of the run that it goes on from, of which it has some done: another version of this code may cut a
 * run in other ways, and parts of two plans are no set.
 */
async function synthesisTasks(tx: Transaction, inputs: RunInputs): Promise<NewTask[]> {
  const { run, config, dataset } = inputs;
  const teachers = await matchedWithStatistics(tx, inputs);
  const earlier = await slicesOf(tx, run.id);
  if (earlier.length > 0) assertWhole(inputs, earlier);
  const slices = earlier.length > 0 ? earlier : planSynthesis(config.synthesis, dataset, teachers);
  return slices.map((slice) => ({
    kind: 'SYNTHESIS',
    index: slice.taskIndex,
    payload: { teachers, config: config.synthesis, seed: run.seed, ...slice },
  }));
}

async function labelingTasks(tx: Transaction, inputs: RunInputs): Promise<NewTask[]> {
  const { run, config } = inputs;
  const synthesized = await resultsOf(tx, run.id, 'SYNTHESIS');
  return [
    {
      kind: 'LABELING',
      index: 0,
      payload: {
        teachers: pickLabelTeachers(inputs.teachers, config.labels),
        images: synthesized.map((result) => result.images),
        formation: config.synthesis.formation,
        config: config.labels,
        seed: run.seed,
      },
    },
  ];
}

async function publishingTasks(tx: Transaction, inputs: RunInputs): Promise<NewTask[]> {
  const { run, config, datasetName, licence } = inputs;
  const synthesized = await resultsOf(tx, run.id, 'SYNTHESIS');
  const [labels] = await resultsOf(tx, run.id, 'LABELING');
  if (labels === undefined) throw new Error(`run ${run.id} has no labels to publish`);
  return [
    {
      kind: 'PUBLISHING',
      index: 0,
      payload: {
        runId: run.id,
        // Fixed here and not by the worker: every attempt writes the same manifest.
        distilledSetId: newId(),
        name: run.name,
        licence,
        datasetName,
        teachers: await teachersOf(tx, run.id),
        labelTeachers: pickLabelTeachers(inputs.teachers, config.labels),
        images: synthesized.map((result) => result.images),
        labels,
        synthesis: config.synthesis,
        labelConfig: config.labels,
        seed: run.seed,
      },
    },
  ];
}

const ownerOf = ({ run }: RunInputs) => ({ runId: run.id, projectId: run.projectId });

async function matchedWithStatistics(tx: Transaction, { dataset, matched }: RunInputs) {
  const known = await loadStatistics(tx, dataset, matched);
  return matched.map((teacher) => {
    const statistics = known.get(teacher.checkpoint.digest);
    if (statistics === undefined) {
      const message = `The statistics of teacher ${teacher.index} were lost while the run was prepared: retry the run.`;
      throw new TeddyhubError('OBJECT_MISSING', message);
    }
    return { ...teacher, statistics };
  });
}

/** The teachers that the run was synthesized against, with their statistics of then. */
async function teachersOf(tx: Transaction, runId: string) {
  const where = { runId, kind: 'SYNTHESIS' } as const;
  const { payload } = await tx.task.findFirstOrThrow({ where, orderBy: { index: 'asc' }, select: { payload: true } });
  return JOB_CONTRACTS.SYNTHESIS.stored.parse(payload).teachers;
}

const sliceOf = JOB_CONTRACTS.SYNTHESIS.stored
  .pick({ taskIndex: true, classes: true, firstImage: true, imagesPerClass: true })
  .strip();

/** How the synthesis of a run is cut; nothing where it has not come to that. */
async function slicesOf(tx: Transaction, runId: string): Promise<SynthesisSlice[]> {
  const where = { runId, kind: 'SYNTHESIS' } as const;
  const tasks = await tx.task.findMany({ where, orderBy: { index: 'asc' }, select: { payload: true } });
  return tasks.map(({ payload }) => sliceOf.parse(payload));
}

/** A set that lacks images would look like any other. Retries of before took over what was done of a plan, and not all of it. */
function assertWhole({ run, config, dataset }: RunInputs, slices: readonly SynthesisSlice[]): void {
  const wanted = dataset.classNames.length * config.synthesis.imagesPerClass;
  const planned = slices.reduce((sum, { classes, imagesPerClass }) => sum + classes.length * imagesPerClass, 0);
  if (planned === wanted) return;
  const message = `Run ${run.name} has tasks for ${planned} of its ${wanted} images, as an earlier version left it: clone it instead.`;
  throw new TeddyhubError('INVALID_STATE', message);
}

/** Results of a run's tasks of one kind, in task order. */
async function resultsOf<K extends JobKind>(tx: Transaction, runId: string, kind: K): Promise<JobResult<K>[]> {
  const tasks = await tx.task.findMany({ where: { runId, kind }, orderBy: { index: 'asc' }, select: { result: true } });
  return tasks.map((task) => JOB_CONTRACTS[kind].result.parse(task.result) as JobResult<K>);
}
