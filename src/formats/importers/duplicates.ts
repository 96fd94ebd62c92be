/** Images that are there more than once, pixel by pixel: under two names, in both splits, or in two classes. */
import { type DuplicateRecord, MAX_LISTED } from '../../domain/jobs/dataset-import.js';
import type { Split } from './sample.js';
import type { SampleTable } from './sample-table.js';
import type { ImageSpool } from './spool.js';

/** `numbers` are those of the splits; each group of equal images is told by the name that comes first. */
export function findDuplicates(
  numbers: Readonly<Record<Split, Uint32Array>>,
  label: (number: number) => number,
  spool: ImageSpool,
  table: SampleTable,
): { duplicates: DuplicateRecord[]; count: number } {
  const all = new Uint32Array(numbers.TRAIN.length + numbers.TEST.length);
  all.set(numbers.TRAIN);
  all.set(numbers.TEST, numbers.TRAIN.length);
  const inTest = new Set(numbers.TEST);
  spool.sort(all, () => 0);
  const duplicates: DuplicateRecord[] = [];
  let count = 0;
  for (let start = 0; start < all.length; ) {
    let end = start + 1;
    while (end < all.length && spool.equal(all[start] as number, all[end] as number)) end += 1;
    count += end - start - 1;
    if (end > start + 1 && duplicates.length < MAX_LISTED) {
      const group = Array.from(all.subarray(start, end), (number) => ({ number, record: table.record(number) }));
      group.sort((a, b) => (a.record < b.record ? -1 : a.record > b.record ? 1 : 0));
      const [first, ...others] = group;
      if (first === undefined) break;
      for (const { number, record } of others.slice(0, MAX_LISTED - duplicates.length)) {
        duplicates.push({
          split: inTest.has(number) ? 'TEST' : 'TRAIN',
          record,
          sameAs: first.record,
          acrossSplits: inTest.has(number) !== inTest.has(first.number),
          acrossClasses: label(number) !== label(first.number),
        });
      }
    }
    start = end;
  }
  duplicates.sort((a, b) => (a.record < b.record ? -1 : a.record > b.record ? 1 : 0));
  return { duplicates, count };
}
