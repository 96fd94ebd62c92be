/**
 * Reads all samples of a source into a spool: several images are decoded at once, and what cannot be used is listed with its
 * reason. Splits and classes that a layout knows only at the end are settled there.
 */
import { TeddyhubError } from '../../domain/errors.js';
import { type ImagePreparation, MAX_LISTED, type SkippedRecord } from '../../domain/jobs/dataset-import.js';
import { type DecodedImage, decodeImage, prepareRaw } from './decode.js';
import { openBatches } from './decode-batches.js';
import {
  type ClassList,
  type EncodedSample,
  type SampleName,
  type SampleReader,
  type Split,
  UnusableRecord,
} from './sample.js';
import type { SampleTable } from './sample-table.js';
import type { ImageSpool } from './spool.js';
import { inParallel } from './window.js';

/** Images in work at once: two for each of libuv's four threads, so that none of them waits for the next. */
const WINDOW = 8;
const REPORT_EVERY = 512;

export interface CollectedSamples {
  readonly classes: ClassList;
  readonly skipped: readonly SkippedRecord[];
  /** Numbers of images in the spool. */
  readonly numbers: Readonly<Record<Split, Uint32Array<ArrayBuffer>>>;
  /** Class index of an image by its number. */
  label(number: number): number;
}

/** Throws BAD_INPUT_FILE with one line where the source as a whole cannot be used. */
export async function collectSamples(
  reader: SampleReader,
  image: ImagePreparation,
  spool: ImageSpool,
  table: SampleTable,
  onProgress: () => Promise<void>,
): Promise<CollectedSamples> {
  const skipped: SkippedRecord[] = [];
  const skip = ({ split, record, reason }: SkippedRecord) => {
    skipped.push({ split, record: printable(record), reason: printable(reason) });
    if (skipped.length <= MAX_LISTED) return;
    throw new TeddyhubError('BAD_INPUT_FILE', `More than ${MAX_LISTED} records cannot be used; ${reasonsOf(skipped)}`);
  };
  const keep = (decoded: DecodedImage, name: SampleName) => {
    spool.append(decoded, name.record);
    table.add(name);
  };
  const decode = async (file: Buffer, sample: EncodedSample) => {
    try {
      keep(await decodeImage(file, image), sample);
    } catch (error) {
      skipUnusable(error, sample);
    }
  };
  const skipUnusable = (error: unknown, { split, record }: EncodedSample) => {
    if (!(error instanceof UnusableRecord)) throw error;
    skip({ split, record, reason: error.message });
  };
  const small = openBatches<EncodedSample>(image, keep, decode);
  const read = async (sample: EncodedSample, file: Promise<Buffer>) => {
    try {
      const bytes = await file;
      await (small.takes(bytes) ? small.add(bytes, sample) : decode(bytes, sample));
    } catch (error) {
      skipUnusable(error, sample);
    }
  };

  const decoding = inParallel(WINDOW);
  let seen = 0;
  try {
    for await (const sample of reader.samples()) {
      seen += 1;
      if (seen % REPORT_EVERY === 0) await onProgress();
      if (sample.kind === 'SKIPPED') {
        skip({ split: sample.split, record: sample.record, reason: sample.reason });
      } else if (sample.kind === 'RAW') {
        keep(await prepareRaw(sample, image), sample);
      } else if (reader.sequential) {
        const file = sample.read();
        await file.catch(() => undefined);
        await decoding.start(() => read(sample, file));
      } else {
        await decoding.start(() => read(sample, sample.read()));
      }
    }
    await decoding.finish();
    await small.finish();
  } finally {
    // What is in work when another one fails would write to a spool that is closed by then.
    await decoding.settle();
    await small.close();
  }
  const numbers = settle(reader, table, skip, skipped);
  const found = new Set<string>();
  for (const number of [...numbers.TRAIN, ...numbers.TEST]) found.add(table.className(number) ?? '');
  const classes = reader.classes(found);
  const indices = new Map(classes.keys.map((key, index) => [key, index]));
  const foreign = [...found].find((key) => !indices.has(key));
  if (foreign !== undefined) {
    throw new TeddyhubError(
      'BAD_INPUT_FILE',
      `There are images of class ${JSON.stringify(foreign)}, which is none of the ${classes.names.length} classes listed.`,
    );
  }
  const unnameable = classes.names.find((name) => printable(name) !== name);
  if (unnameable !== undefined) {
    throw new TeddyhubError(
      'BAD_INPUT_FILE',
      `A class is called ${JSON.stringify(unnameable)}, which holds a zero byte or half a character: write it otherwise.`,
    );
  }
  for (const one of skipped) one.split ??= splitOf(reader, one.record);
  // In the order of their names, and not of their decoding.
  skipped.sort((a, b) => (a.record < b.record ? -1 : a.record > b.record ? 1 : 0));
  return { classes, skipped, numbers, label: (number) => indices.get(table.className(number) ?? '') ?? -1 };
}

/** Gives every image its split and its class. */
function settle(
  reader: SampleReader,
  table: SampleTable,
  skip: (record: SkippedRecord) => void,
  skipped: readonly SkippedRecord[],
) {
  const used: Record<Split, Uint32Array<ArrayBuffer>> = {
    TRAIN: new Uint32Array(table.count),
    TEST: new Uint32Array(table.count),
  };
  const counts: Record<Split, number> = { TRAIN: 0, TEST: 0 };
  for (let number = 0; number < table.count; number++) {
    let split = table.split(number);
    if (split === null || table.className(number) === null) {
      const record = table.record(number);
      const settled = reader.resolve ? reader.resolve(record) : { reason: 'it has no class' };
      // Of a split that was not asked for.
      if (settled === null) continue;
      if ('reason' in settled) {
        skip({ split, record, reason: settled.reason });
        continue;
      }
      split = settled.split;
      table.set(number, split, settled.className);
    }
    used[split][counts[split]++] = number;
  }
  // What is there and cannot be used was told of already, with its own reason.
  const told = new Set(skipped.map(({ record }) => record));
  for (const record of reader.missing?.() ?? []) {
    if (!told.has(printable(record))) skip({ split: null, record, reason: 'it is listed, but not there' });
  }
  return { TRAIN: used.TRAIN.slice(0, counts.TRAIN), TEST: used.TEST.slice(0, counts.TEST) };
}

/** Of a record that a layout knows the split of at the end alone; null where it has none. */
function splitOf(reader: SampleReader, record: string): Split | null {
  const settled = reader.resolve?.(record) ?? null;
  return settled === null || 'reason' in settled ? null : settled.split;
}

/** As it can be kept in a database. */
const printable = (text: string): string => text.replaceAll('\0', '\\0').toWellFormed();

/** How many records were skipped for which reason, with an example of each. */
export function reasonsOf(skipped: readonly SkippedRecord[]): string {
  const byReason = new Map<string, { count: number; example: string }>();
  for (const { reason, record } of skipped) {
    const known = byReason.get(reason);
    if (known === undefined) byReason.set(reason, { count: 1, example: record });
    else known.count += 1;
  }
  const most = [...byReason].sort(([, a], [, b]) => b.count - a.count).slice(0, 3);
  const lines = most.map(([reason, { count, example }]) => `${count}: ${reason} (${example})`);
  return lines.join('; ') + (byReason.size > most.length ? '; ...' : '');
}
