/**
 * Reads all samples of a source into a spool: several images are decoded at once, and what cannot be used is listed with its
 * reason. Splits and classes that a layout knows only at the end are settled there.
 */
import { TeddyhubError } from '../../domain/errors.js';
import type { ImagePreparation, SkippedRecord } from '../../domain/jobs/dataset-import.js';
import { type DecodedImage, decodeImage, prepareRaw } from './decode.js';
import { type SampleName, type SampleReader, type Split, UnusableRecord } from './sample.js';
import type { ImageSpool } from './spool.js';
import { inParallel } from './window.js';

/** Images in work at once: two for each of libuv's four threads, so that none of them waits for the next. */
const WINDOW = 8;
const REPORT_EVERY = 512;

export interface CollectedSamples {
  readonly classNames: readonly string[];
  readonly skipped: SkippedRecord[];
  /** Numbers of images in the spool. */
  readonly numbers: Readonly<Record<Split, Uint32Array>>;
  /** Class index of an image by its number. */
  label(number: number): number;
  record(number: number): string;
}

/** Throws BAD_INPUT_FILE with one line where the source as a whole cannot be used. */
export async function collectSamples(
  reader: SampleReader,
  image: ImagePreparation,
  spool: ImageSpool,
  onProgress: () => Promise<void>,
): Promise<CollectedSamples> {
  const names: SampleName[] = [];
  const skipped: SkippedRecord[] = [];
  const skip = ({ record, split }: SampleName, error: unknown) => {
    if (!(error instanceof UnusableRecord)) throw error;
    skipped.push({ split, record, reason: error.message });
  };
  const keep = (decoded: DecodedImage, { record, split, className }: SampleName) => {
    names[spool.append(decoded, record)] = { record, split, className };
  };

  const decoding = inParallel(WINDOW);
  let seen = 0;
  for await (const sample of reader.samples()) {
    seen += 1;
    if (seen % REPORT_EVERY === 0) await onProgress();
    if (sample.kind === 'SKIPPED') {
      skipped.push({ split: sample.split, record: sample.record, reason: sample.reason });
    } else if (sample.kind === 'RAW') {
      keep(await prepareRaw(sample, image), sample);
    } else {
      let reading = sample.read;
      if (reader.sequential) {
        const file = sample.read();
        await file.catch(() => undefined);
        reading = () => file;
      }
      await decoding.start(async () => {
        try {
          keep(await decodeImage(await reading(), image), sample);
        } catch (error) {
          skip(sample, error);
        }
      });
    }
  }
  await decoding.finish();
  return settle(reader, names, skipped);
}

/** Gives every image its split and the index of its class. */
function settle(reader: SampleReader, names: readonly SampleName[], skipped: SkippedRecord[]): CollectedSamples {
  const splits: Record<Split, number[]> = { TRAIN: [], TEST: [] };
  const classOf: string[] = [];
  const found = new Set<string>();
  for (const [number, name] of names.entries()) {
    const settled = name.split !== null && name.className !== null ? name : reader.resolve?.(name.record);
    if (settled === undefined || 'reason' in settled) {
      skipped.push({ split: name.split, record: name.record, reason: settled?.reason ?? 'it has no class' });
      continue;
    }
    splits[settled.split as Split].push(number);
    classOf[number] = settled.className as string;
    found.add(settled.className as string);
  }
  const classNames = reader.classNames(found);
  const indices = new Map(classNames.map((name, index) => [name, index]));
  const foreign = [...found].find((name) => !indices.has(name));
  if (foreign !== undefined) {
    throw new TeddyhubError(
      'BAD_INPUT_FILE',
      `There are images of class ${JSON.stringify(foreign)}, which is none of the ${classNames.length} classes listed.`,
    );
  }
  return {
    classNames,
    skipped,
    numbers: { TRAIN: Uint32Array.from(splits.TRAIN), TEST: Uint32Array.from(splits.TEST) },
    label: (number) => indices.get(classOf[number] ?? '') ?? -1,
    record: (number) => names[number]?.record ?? '',
  };
}
