/** What bench/scaling.ts measured. */
import { table } from './markdown.js';

interface Timed {
  readonly size: number;
  readonly milliseconds: number;
  readonly each: number;
}
interface Run {
  readonly imagesPerClass: number;
  readonly tasks: number;
  readonly mebibytes: number;
}

export interface ScalingResult {
  readonly images: readonly Timed[];
  readonly steps: readonly Timed[];
  readonly memoryOverSteps: readonly number[];
  readonly memoryByTask: readonly Run[];
  readonly memoryUncut: readonly Run[];
}

const whole = (n: number): string => Math.round(n).toLocaleString('en-US');
const times = (of: readonly Timed[]): string[] =>
  of.map(({ milliseconds, each }) => `${whole(milliseconds)} ms (${each.toFixed(2)} each)`);
const memory = (runs: readonly Run[]): string[] =>
  runs.map(({ mebibytes, tasks }) => `${whole(mebibytes)} MiB (${tasks === 1 ? '1 task' : `${tasks} tasks`})`);

export function scalingTable({ images, steps, memoryByTask, memoryUncut }: ScalingResult): string {
  const sizes = (of: readonly number[]) => of.map(whole).join(' / ');
  const perClass = sizes(memoryByTask.map(({ imagesPerClass }) => imagesPerClass));
  return table(
    ['what', 'sizes', 'smallest', 'middle', 'largest'],
    [
      ['time of a step, by images', sizes(images.map(({ size }) => size)), ...times(images)],
      ['time of a task, by steps', sizes(steps.map(({ size }) => size)), ...times(steps)],
      ['most memory of a task, by images per class', perClass, ...memory(memoryByTask)],
      ['the same in one task', perClass, ...memory(memoryUncut)],
    ],
  );
}

export function residenceList({ memoryOverSteps }: ScalingResult): string {
  const every = 2000 / memoryOverSteps.length;
  const [first, last] = [memoryOverSteps[0], memoryOverSteps.at(-1)] as [number, number];
  const [least, most] = [Math.min(...memoryOverSteps), Math.max(...memoryOverSteps)];
  return `Resident after ${whole(every)} steps ${whole(first)} MiB, after 2,000 steps ${whole(last)}; between ${whole(least)} and ${whole(most)} on the way.`;
}
