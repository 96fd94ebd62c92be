/** What bench/time-to-accuracy.ts measured. */
import type { Method } from '../suites.js';
import { table } from './markdown.js';
import { METHOD_NAMES } from './quality.js';

interface Timed {
  readonly synthesisSteps: number;
  readonly studentSteps: number;
  readonly top1: number;
  readonly cpuSeconds: number;
}

export interface TimeResult {
  readonly seeds: readonly number[];
  readonly sre2l: Timed;
  /** With fewer steps of synthesis; missing in what was measured before. */
  readonly sre2lShorter?: readonly Timed[];
  readonly teddy: readonly Timed[];
  readonly randomReal: readonly Timed[];
}

export function timeTable({ sre2l, sre2lShorter = [], teddy, randomReal }: TimeResult): string {
  const rowOf = (method: Method, one: Timed): string[] => [
    METHOD_NAMES[method],
    `${one.synthesisSteps}`,
    `${one.studentSteps}`,
    one.top1.toFixed(2),
    one.cpuSeconds.toFixed(0),
    (sre2l.cpuSeconds / one.cpuSeconds).toFixed(1),
  ];
  return table(
    ['method', 'steps of synthesis', 'student steps', 'top-1', 'seconds of CPU', 'times faster'],
    [
      ...[sre2l, ...sre2lShorter].map((one) => rowOf('SRE2L', one)),
      ...teddy.map((one) => rowOf('TEDDY', one)),
      ...randomReal.map((one) => rowOf('RANDOM_REAL', one)),
    ],
  );
}
