/** How sources call their splits, and which of them is the test split. */
import { TeddyhubError } from '../../domain/errors.js';
import type { Split } from './sample.js';

const TRAIN = new Set(['train', 'training']);
const TEST = new Set(['val', 'valid', 'validation', 'test', 'testing']);

/** Whether a word is what splits are called. */
export const isSplit = (word: string): boolean => TRAIN.has(word.toLowerCase()) || isTestSplit(word);

export const isTestSplit = (word: string): boolean => TEST.has(word.toLowerCase());

/** Whether two names mean one split: no name is that of the training split. */
export function isSameSplit(one: string | null, other: string | null): boolean {
  const meaning = (name: string | null) => (name === null || TRAIN.has(name.toLowerCase()) ? null : name.toLowerCase());
  return meaning(one) === meaning(other);
}

/** The folder that names the split, at the top of a path or below one folder that holds everything, and what follows it. */
export function splitFolder(path: string): { name: string; rest: readonly string[] } | null {
  const segments = path.split('/');
  for (const at of [0, 1]) {
    const name = segments[at] ?? '';
    if (at < segments.length - 1 && isSplit(name)) return { name, rest: segments.slice(at + 1) };
  }
  return null;
}

/**
 * The folder of a test split that lies deeper than those that count, with at least `below` names after it, and what it lies in.
 * Without a word of it, its images would be training images.
 */
export function deepTestFolder(path: string, below: number): { name: string; above: string } | null {
  const segments = path.split('/');
  const isDeep = (name: string, at: number) => at > 1 && at + below < segments.length && TEST.has(name.toLowerCase());
  const at = segments.findIndex(isDeep);
  return at < 0 ? null : { name: segments[at] ?? '', above: segments.slice(0, at).join('/') };
}

/** The split that a file's name or one of its folders speaks of: `train-00000-of-00002.parquet`, `cifar/test/0.tar`. */
export function splitWord(path: string): string | null {
  const words = path.split(/[^A-Za-z]+/).filter(isSplit);
  return words.at(-1) ?? null;
}

export interface SplitChooser {
  /**
   * What a split of this name is here: TRAIN, TEST, or null where another one was chosen as the test split. Throws
   * BAD_INPUT_FILE where there are several test splits and none was chosen.
   */
  (name: string | null): Split | null;
  /** Once all were seen: throws BAD_INPUT_FILE where the one that was chosen is not there. */
  assertFound(): void;
}

export function splitChooser(testSplit: string | null): SplitChooser {
  const tests = new Set<string>();
  const seen = new Set<string>();
  let isFound = false;
  const choose = (name: string | null): Split | null => {
    if (name !== null) seen.add(name);
    if (testSplit !== null && name?.toLowerCase() === testSplit.toLowerCase()) {
      isFound = true;
      return 'TEST';
    }
    if (name === null || TRAIN.has(name.toLowerCase())) return 'TRAIN';
    if (testSplit !== null) return null;
    tests.add(name);
    if (tests.size === 1) return 'TEST';
    throw new TeddyhubError(
      'BAD_INPUT_FILE',
      `The source has several test splits (${[...tests].sort().join(', ')}): say with testSplit which one to measure accuracy on.`,
    );
  };
  const assertFound = () => {
    if (testSplit === null || isFound) return;
    const there = [...seen].sort().join(', ') || 'none';
    throw new TeddyhubError(
      'BAD_INPUT_FILE',
      `The source has no images in a split called ${testSplit}; those with images are: ${there}.`,
    );
  };
  return Object.assign(choose, { assertFound });
}
