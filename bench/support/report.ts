/** What every result file says of the machine and the versions it was measured with, and where it goes. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

/** A path in the checkout. */
export const root = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** What gave a figure. Files that several runs write say it of every row, since machines differ. */
export interface Origin {
  readonly commit: string;
  readonly hardware: string;
}

export interface About extends Origin {
  readonly command: string;
  readonly versions: Record<string, string>;
}

const versionOf = (name: string): string =>
  (JSON.parse(readFileSync(root(`node_modules/${name}/package.json`), 'utf8')) as { version: string }).version;

/** `command` reproduces the file. */
export const about = (command: string): About => ({
  command,
  ...ORIGIN,
  versions: {
    node: process.version,
    '@tensorflow/tfjs-node-gpu': versionOf('@tensorflow/tfjs-node-gpu'),
    'fashion-mnist': versionOf('fashion-mnist'),
  },
});

function commitOf(cwd: string): string {
  try {
    const git = ['rev-parse', '--short', 'HEAD'];
    return execFileSync('git', git, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown'; // No clone, but an archive of it.
  }
}

/** The commit is that as the process began: what is committed while it measures is not what it measures. */
export const ORIGIN: Origin = {
  commit: commitOf(root('')),
  hardware: `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`,
};

export const resultsPath = (name: string): string => root(`bench/results/${name}.json`);

/** `otherwise` where there is no such file. */
export const readJson = <T>(path: string, otherwise: T): T =>
  existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T) : otherwise;

export function writeResult(name: string, result: About & Record<string, unknown>): void {
  writeFileSync(resultsPath(name), `${JSON.stringify(result, null, 2)}\n`);
}

export const mean = (numbers: readonly number[]): number => numbers.reduce((sum, n) => sum + n, 0) / numbers.length;

/** Linear between the two nearest of the sorted numbers; 0.5 is the median. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)] ?? Number.NaN, sorted[Math.ceil(at)] ?? Number.NaN];
  return low + (high - low) * (at - Math.floor(at));
}

/** The sample's standard deviation; of one number, 0. */
export function deviation(numbers: readonly number[]): number {
  const centre = mean(numbers);
  const squares = numbers.reduce((sum, n) => sum + (n - centre) ** 2, 0);
  return Math.sqrt(squares / Math.max(1, numbers.length - 1));
}

/** Of the mean of independent numbers; NaN where one says nothing of it. */
export const standardError = (numbers: readonly number[]): number =>
  numbers.length > 1 ? deviation(numbers) / Math.sqrt(numbers.length) : Number.NaN;

export const rounded = (n: number): number => Math.round(100 * n) / 100;
