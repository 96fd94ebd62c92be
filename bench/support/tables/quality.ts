/** What bench/quality.ts and bench/engine-sweep.ts measured. */
import type { Paired } from '../pairs.js';
import { mean, standardError } from '../report.js';
import { METHODS, type Method } from '../suites.js';
import { signed, table } from './markdown.js';

interface Measured extends Paired {
  readonly top1: number;
}

/** Of students of seed 0 that began with the weights of the pool's base run (bench/quality.ts). */
export const mark = (measured: readonly Measured[]): string =>
  measured.some(({ seed, protocol = 1 }) => seed === 0 && protocol === 1) ? '†' : '';

export interface MethodResult {
  readonly mean: number;
  /** Behind the gain; missing: all that was measured. */
  readonly pairs?: number;
  /** Null where no random real images are of the same pairs. */
  readonly gain: number | null;
  readonly standardError: number | null;
  readonly measured: readonly Measured[];
}

export type QualityRow = Partial<Record<Method, MethodResult>> & {
  readonly imagesPerClass: number;
  readonly variant?: string;
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

/** As papers write them; rows of suites bear the API's names. */
const NETWORK_NAMES: Record<string, string> = {
  CONVNET: 'ConvNet-3',
  RESNET18: 'ResNet-18',
  RESNET50: 'ResNet-50',
  DENSENET121: 'DenseNet-121',
  MOBILENET_V2: 'MobileNetV2',
  SHUFFLENET_V2_X0_5: 'ShuffleNetV2 x0.5',
  SHUFFLENET_V2_X1_0: 'ShuffleNetV2 x1.0',
  EFFICIENTNET_B0: 'EfficientNet-B0',
};

export const networkName = ({ recipe: { architecture } }: QualityRow): string =>
  NETWORK_NAMES[architecture.name] ?? architecture.name;

/** An accuracy beside its gain over random real images of the same pairs. */
function cell(method: Method, result: MethodResult | undefined): string {
  if (!result) return '';
  const { gain, standardError, measured } = result;
  const accuracy = `${result.mean.toFixed(2)} (${measured.length})${mark(measured)}`;
  if (method === 'RANDOM_REAL' || gain === null) return accuracy;
  const error = standardError === null ? '' : ` +- ${standardError.toFixed(2)}`;
  const fewer = (result.pairs ?? measured.length) < measured.length ? ` (${result.pairs})` : '';
  return `${accuracy}: ${signed(gain)}${error}${fewer}`;
}

export function qualityTable({ rows }: QualityResult): string {
  const used = METHODS.filter((method) => Object.values(rows).some((row) => row[method]));
  return table(
    ['set and student', ...used.map((method) => METHOD_NAMES[method])],
    Object.entries(rows).map(([name, row]) => [name, ...used.map((method) => cell(method, row[method]))]),
  );
}

/** The README's: rows of several suites at 1 and 10 images a class and no variants of them, random real images beside teddy. */
export function headlineTable(suites: readonly { readonly title: string; readonly result: QualityResult }[]): string {
  const rows = suites.flatMap(({ title, result }) =>
    Object.values(result.rows).flatMap((row) => {
      const { imagesPerClass, recipe, variant, RANDOM_REAL, TEDDY } = row;
      if (imagesPerClass > 10 || variant !== undefined || !RANDOM_REAL || !TEDDY) return [];
      const { gain, standardError, measured } = TEDDY;
      if (gain === null) return [];
      const student = `${networkName(row)}, ${recipe.steps.toLocaleString('en')} steps`;
      const error = standardError === null ? '' : ` +- ${standardError.toFixed(2)}`;
      const count = TEDDY.pairs ?? measured.length;
      const pairs = `${count} pair${count === 1 ? '' : 's'}${mark(measured)}`;
      const accuracies = [RANDOM_REAL, TEDDY].map(({ mean }) => mean.toFixed(2));
      return [[title, `${imagesPerClass}`, student, ...accuracies, `${signed(gain)}${error} (${pairs})`]];
    }),
  );
  return table(['dataset', 'images a class', 'student', 'random real', 'teddy', 'gain'], rows);
}

export const teacherList = ({ teachers }: QualityResult): string =>
  teachers.map(({ kind, accuracy }) => `${kind} ${accuracy}`).join(', ');

interface SweepTrial {
  readonly name: string;
  readonly teddy: readonly number[];
  readonly randomReal: readonly number[];
  /** The sets of the first trial, by seed, on the same machine. */
  readonly base: readonly number[];
}

export interface SweepResult {
  readonly trials: Readonly<Record<string, SweepTrial>>;
}

const average = (numbers: readonly number[]): string => mean(numbers).toFixed(2);
const withError = (numbers: readonly number[]): string =>
  signed(mean(numbers)) + (numbers.length > 1 ? ` +- ${standardError(numbers).toFixed(2)}` : '');

/** Differences are of pairs: of teddy to random real images, and to the first trial's set of the same seed. */
export function sweepTable({ trials }: SweepResult): string {
  const [first, ...others] = Object.values(trials);
  if (first === undefined) return '';
  const toBase = ({ teddy, base }: SweepTrial) => {
    const both = Math.min(teddy.length, base.length);
    return teddy.slice(0, both).map((accuracy, seed) => accuracy - (base[seed] as number));
  };
  const toBaseCell = (trial: SweepTrial): string => {
    const differences = toBase(trial);
    // The base may have been measured on fewer pairs since.
    const fewer = differences.length < trial.teddy.length ? ` (${differences.length})` : '';
    return withError(differences) + fewer;
  };
  const rowOf = (trial: SweepTrial): string[] => {
    const { name, teddy, randomReal } = trial;
    const gains = teddy.map((accuracy, seed) => accuracy - (randomReal[seed] as number));
    return [name, `${teddy.length}`, average(teddy), average(randomReal), withError(gains)];
  };
  return table(
    ['trial', 'pairs', 'teddy', 'random real', 'gain', `to ${first.name}`],
    [[...rowOf(first), ''], ...others.map((trial) => [...rowOf(trial), toBaseCell(trial)])],
  );
}
