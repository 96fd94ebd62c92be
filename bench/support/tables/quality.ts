/** What bench/quality.ts and bench/engine-sweep.ts measured. */
import { METHODS, type Method } from '../suites.js';
import { signed, table } from './markdown.js';

interface Measured {
  readonly seed: number;
  readonly top1: number;
}

export interface MethodResult {
  readonly mean: number;
  readonly gain: number;
  readonly standardError: number | null;
  readonly measured: readonly Measured[];
}

export type QualityRow = Partial<Record<Method, MethodResult>> & {
  readonly imagesPerClass: number;
  readonly recipe: { readonly steps: number; readonly architecture: { readonly name: string } };
};

export interface QualityResult {
  readonly teachers: readonly { readonly kind: string; readonly accuracy: number }[];
  readonly rows: Readonly<Record<string, QualityRow>>;
}

export const METHOD_NAMES: Record<Method, string> = {
  RANDOM_REAL: 'random real',
  TEDDY: 'teddy',
  REAL_CROPS: 'real crops',
  SRE2L: 'SRe2L',
};

/** An accuracy beside its gain over random real images of the same pairs. */
function cell(method: Method, result: MethodResult | undefined): string {
  if (!result) return '';
  const { gain, standardError, measured } = result;
  if (method === 'RANDOM_REAL') return `${result.mean.toFixed(2)} (${measured.length})`;
  const error = standardError === null ? '' : ` +- ${standardError.toFixed(2)}`;
  return `${result.mean.toFixed(2)} (${measured.length}): ${signed(gain)}${error}`;
}

export function qualityTable({ rows }: QualityResult): string {
  const used = METHODS.filter((method) => Object.values(rows).some((row) => row[method]));
  return table(
    ['set and student', ...used.map((method) => METHOD_NAMES[method])],
    Object.entries(rows).map(([name, row]) => [name, ...used.map((method) => cell(method, row[method]))]),
  );
}

export const teacherList = ({ teachers }: QualityResult): string =>
  teachers.map(({ kind, accuracy }) => `${kind} ${accuracy}`).join(', ');

interface SweepTrial {
  readonly name: string;
  readonly teddy: readonly number[];
  readonly randomReal: readonly number[];
  readonly gain: number;
  readonly standardError: number;
}

export interface SweepResult {
  readonly trials: Readonly<Record<string, SweepTrial>>;
}

const average = (numbers: readonly number[]): string =>
  (numbers.reduce((sum, n) => sum + n, 0) / numbers.length).toFixed(2);

export const sweepTable = ({ trials }: SweepResult): string =>
  table(
    ['trial', 'pairs', 'teddy', 'random real', 'gain'],
    Object.values(trials).map(({ name, teddy, randomReal, gain, standardError }) => [
      name,
      `${teddy.length}`,
      average(teddy),
      average(randomReal),
      `${signed(gain)} +- ${standardError.toFixed(2)}`,
    ]),
  );
