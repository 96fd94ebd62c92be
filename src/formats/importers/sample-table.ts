/** What is known of every decoded image beside its pixels, in a few bytes each; the names of their records lie on disk. */
import { appendFile } from '../append-file.js';
import type { SampleName, Split } from './sample.js';

const UNKNOWN = -1;
const SPLITS: readonly Split[] = ['TRAIN', 'TEST'];

export interface SampleTable {
  readonly count: number;
  /** Adds the next image. */
  add(name: SampleName): void;
  record(number: number): string;
  split(number: number): Split | null;
  className(number: number): string | null;
  set(number: number, split: Split, className: string): void;
  close(): void;
}

export function openSampleTable(scratch: string): SampleTable {
  const names = appendFile(scratch);
  const classes: string[] = [];
  const numbers = new Map<string, number>();
  let capacity = 1024;
  let count = 0;
  let ends = new Float64Array(capacity);
  let splits = new Int8Array(capacity);
  let classNumbers = new Int32Array(capacity);

  const grow = () => {
    capacity *= 2;
    const copy = <T extends Float64Array | Int8Array | Int32Array>(larger: T, old: T): T => {
      larger.set(old);
      return larger;
    };
    ends = copy(new Float64Array(capacity), ends);
    splits = copy(new Int8Array(capacity), splits);
    classNumbers = copy(new Int32Array(capacity), classNumbers);
  };
  const numberOf = (className: string): number => {
    const known = numbers.get(className);
    if (known !== undefined) return known;
    numbers.set(className, classes.length);
    return classes.push(className) - 1;
  };
  const startOf = (number: number): number => (number === 0 ? 0 : (ends[number - 1] ?? 0));

  return {
    get count() {
      return count;
    },
    add({ record, split, className }) {
      if (count === capacity) grow();
      const bytes = Buffer.from(record);
      names.append(bytes);
      ends[count] = startOf(count) + bytes.byteLength;
      splits[count] = split === null ? UNKNOWN : SPLITS.indexOf(split);
      classNumbers[count] = className === null ? UNKNOWN : numberOf(className);
      count += 1;
    },
    record(number) {
      const bytes = Buffer.alloc((ends[number] ?? 0) - startOf(number));
      names.read(startOf(number), bytes);
      return bytes.toString('utf8');
    },
    split: (number) => SPLITS[splits[number] ?? UNKNOWN] ?? null,
    className: (number) => classes[classNumbers[number] ?? UNKNOWN] ?? null,
    set(number, split, className) {
      splits[number] = SPLITS.indexOf(split);
      classNumbers[number] = numberOf(className);
    },
    close: () => names.close(),
  };
}
