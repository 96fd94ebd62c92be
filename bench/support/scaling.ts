/** How the cost of synthesis grows: a step's time with its images, a task's with its steps; memory over steps and tasks. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { architectureConfig } from '../../src/domain/config/architecture.js';
import { type SynthesisConfig, synthesisConfig } from '../../src/domain/config/run.js';
import type { JobPayload } from '../../src/domain/jobs/contracts.js';
import { planSynthesis } from '../../src/domain/task-planning.js';
import { KEEP_MEMORY } from '../../workers/keep-memory.js';
import { type EngineCase, stepOf } from './engine-cases.js';
import { quantile, rounded } from './report.js';

const shape = { height: 28, width: 28, channels: 1 };
const synthesis = (width: number, batch: number): EngineCase => ({
  kind: 'SYNTHESIS',
  architecture: architectureConfig.parse({ width }),
  shape,
  batch,
});

/** Median milliseconds by size, of what `run` takes; sizes take turns, and their first round only allocates. */
async function timesOf(
  sizes: readonly number[],
  rounds: number,
  prepare: (size: number) => Promise<(round: number) => void>,
) {
  const runs = await Promise.all(sizes.map(prepare));
  const times = sizes.map((): number[] => []);
  for (let round = 0; round < rounds + 1; round++) {
    runs.forEach((run, i) => {
      const start = performance.now();
      run(round);
      if (round > 0) times[i]?.push(performance.now() - start);
    });
  }
  return sizes.map((size, i) => {
    const median = quantile(times[i] ?? [], 0.5);
    return { size, milliseconds: rounded(median), each: rounded(median / size) };
  });
}

/** One step of ConvNet-3 (128) on so many images. */
export const timeImages = (sizes = [50, 100, 200], rounds = 5) =>
  timesOf(sizes, rounds, (batch) => stepOf(synthesis(128, batch)));

/** So many steps of ConvNet-3 (16) on 100 images. */
export const timeSteps = (sizes = [50, 100, 200], rounds = 3) =>
  timesOf(sizes, rounds, async (steps) => {
    const step = await stepOf(synthesis(16, 100));
    return () => {
      for (let i = 0; i < steps; i++) step(i);
    };
  });

/** What bench/support/scaling.child.ts is asked for. */
export type Request =
  | { readonly steps: number; readonly every: number }
  | { readonly one: EngineCase }
  | { readonly work: string; readonly payload: JobPayload<'SYNTHESIS'> };

/** Mebibytes: resident every so many steps, or the most that a task ever had. */
export type Answer = readonly number[];

const CHILD = fileURLToPath(new URL('./scaling.child.js', import.meta.url));

function ask(request: Request): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // As a worker starts its own.
    const child = fork(CHILD, { env: { ...KEEP_MEMORY, ...process.env } });
    child.once('message', (answer) => resolve(answer as Answer));
    child.once('exit', (code) => reject(new Error(`the process that computes ended with ${code}`)));
    child.send(request);
  });
}

/** Resident memory of a process of its own every 200 steps of a synthesis of ConvNet-3 (16) on 100 images, MiB. */
export const watchSteps = (steps = 2000, every = 200): Promise<Answer> => ask({ steps, every });

/** The most memory that a few steps of a case ever had, MiB. */
export const memoryOfStep = async (one: EngineCase): Promise<number> => (await ask({ one }))[0] ?? Number.NaN;

/** The most memory of any task of a run, each in a process of its own, as workers have it. */
export async function watchTasks(
  work: string,
  payload: Pick<JobPayload<'SYNTHESIS'>, 'dataset' | 'teachers'>,
  options: Partial<SynthesisConfig>,
) {
  const config = synthesisConfig.parse({ steps: 5, ...options });
  const tasks = planSynthesis(config, payload.dataset, payload.teachers);
  let most = 0;
  for (const task of tasks) {
    const [mebibytes = Number.NaN] = await ask({ work, payload: { ...payload, config, seed: 0, ...task } });
    most = Math.max(most, mebibytes);
  }
  return { imagesPerClass: config.imagesPerClass, tasks: tasks.length, mebibytes: most };
}
