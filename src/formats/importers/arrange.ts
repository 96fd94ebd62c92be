/** From what was read to what is written: whether it makes a dataset, which image is in which split, and in which order. */
import type { ImageShape } from '../../domain/config/architecture.js';
import { TeddyhubError } from '../../domain/errors.js';
import type { SkippedRecord } from '../../domain/jobs/dataset-import.js';
import { type CollectedSamples, reasonsOf } from './collect.js';
import { FOLDER_LINK, LINK } from './entries/entry.js';
import { baseName } from './layouts/layout.js';
import type { Split } from './sample.js';
import { isTestSplit } from './splits.js';
import type { ImageSpool } from './spool.js';

/** Throws BAD_INPUT_FILE where too much was skipped, or a class has no image to learn from. */
export function assertUsable({ classes, skipped, numbers, label }: CollectedSamples, maxSkipped: number): void {
  const used = numbers.TRAIN.length + numbers.TEST.length;
  const share = skipped.length / Math.max(1, used + skipped.length);
  if (share > maxSkipped || (used === 0 && skipped.length > 0)) {
    throw unusable(
      `${skipped.length} of ${used + skipped.length} records cannot be used, and maxSkipped allows ${percent(maxSkipped)}; ${reasonsOf(skipped)}`,
    );
  }
  if (used === 0) throw unusable('there are no images in it, or none where this layout has them');
  const { names } = classes;
  if (names.length < 2) throw unusable(`it has fewer than two classes${leftOut(skipped)}`);
  const filled = new Set(Array.from(numbers.TRAIN, label));
  const empty = names.filter((_, index) => !filled.has(index));
  if (empty.length > 0) {
    throw unusable(
      `${empty.length} of ${names.length} classes have no training image: ${empty.slice(0, 5).join(', ')}${leftOut(skipped)}`,
    );
  }
}

/**
 * Orders both splits by content. Where the source has no test split, a share of every class becomes one: the first of its
 * images in that order, so the same images whatever the source. Throws BAD_INPUT_FILE where there would be none.
 */
export function arrange(
  { classes, skipped, numbers, label }: CollectedSamples,
  spool: ImageSpool,
  holdOut: number | null,
): { shape: ImageShape; numbers: Record<Split, Uint32Array<ArrayBuffer>> } {
  const shape = spool.shape();
  if (shape === null) throw unusable('there are no images in it');
  const byLabel = (a: number, b: number) => label(a) - label(b);
  const { TRAIN, TEST } = numbers;
  spool.sort(TRAIN, byLabel);
  spool.sort(TEST, byLabel);
  if (TEST.length > 0) return { shape, numbers };
  const link = skipped.find(isLinkedSplit);
  if (link !== undefined) {
    throw unusable(
      `it has no test split: ${link.record} is a link, and links are not followed; put the folder itself in its place`,
    );
  }
  if (holdOut === null) {
    throw unusable(
      `it has no test split: add one, or say with holdOut which share of the training images becomes one${leftOut(skipped)}`,
    );
  }
  const left = new Array<number>(classes.names.length).fill(0);
  for (const number of TRAIN) left[label(number)] = (left[label(number)] ?? 0) + 1;
  // One of a class stays for training, whatever the share.
  const wanted = left.map((count) => Math.min(count - 1, Math.round(count * holdOut)));
  const held = (number: number) => {
    const wants = wanted[label(number)] ?? 0;
    wanted[label(number)] = wants - 1;
    return wants > 0;
  };
  const isHeld = Uint8Array.from(TRAIN, (number) => (held(number) ? 1 : 0));
  if (!isHeld.includes(1)) {
    throw unusable(
      `holdOut ${holdOut} leaves no test image in any class: take a larger share, or more than one image a class`,
    );
  }
  return {
    shape,
    numbers: { TRAIN: TRAIN.filter((_, i) => isHeld[i] === 0), TEST: TRAIN.filter((_, i) => isHeld[i] === 1) },
  };
}

/** A link where the folder of the test split would be: another test split in its place is not what anyone meant. */
const isLinkedSplit = ({ record, reason }: SkippedRecord): boolean =>
  (reason === LINK || reason === FOLDER_LINK) && isTestSplit(baseName(record)) && record.split('/').length <= 2;

/** What lacks may be among it. */
const leftOut = (skipped: readonly SkippedRecord[]): string =>
  skipped.length === 0 ? '' : `; left out were ${reasonsOf(skipped)}`;

const percent = (share: number): string => `${Number((share * 100).toFixed(2))} %`;
const unusable = (reason: string): TeddyhubError =>
  new TeddyhubError('BAD_INPUT_FILE', `The source cannot be imported: ${reason}.`);
