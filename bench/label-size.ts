/**
 * Bytes of label files for each image of a set, mode by mode: one vector a sample, every view of a student's training, the
 * largest logits alone, and whole batches left out. Files are those of src/formats/, whose size is decided by shapes alone.
 * Writes bench/results/label-size.json.
 *
 *     npm run bench -- label-size
 */
import { labelConfig, FKD_STEPS_PER_FILE as STEPS_PER_FILE, storedSteps } from '../src/domain/config/run.js';
import { encodeLabels, type LabelledViews } from '../src/formats/labels.js';
import { encodeSafetensors } from '../src/formats/safetensors.js';
import { optionsOf } from './support/options.js';
import { about, rounded, writeResult } from './support/report.js';

optionsOf('label-size', {});

const IMAGES_PER_CLASS = 10;

const staticBytes = (samples: number, classes: number): number =>
  encodeSafetensors({ logits: { dtype: 'F16', shape: [samples, classes], data: new Uint16Array(samples * classes) } })
    .length;

function fkdBytes(classes: number, options: { topK?: number; keptShare?: number }): number {
  const config = labelConfig.parse({ fkdSteps: 1000, ...options });
  const { fkdBatchSize: batch, topK } = config;
  const views: LabelledViews = {
    sample: new Int32Array(batch),
    box: new Float32Array(4 * batch),
    flip: new Uint8Array(batch),
    partner: new Int32Array(batch),
    mixBox: new Int32Array(4),
    lambda: 1,
    logits: new Uint16Array(batch * classes),
  };
  let bytes = 0;
  for (let first = 0; first < storedSteps(config); first += STEPS_PER_FILE) {
    const steps = Math.min(STEPS_PER_FILE, storedSteps(config) - first);
    bytes += encodeLabels(Array<LabelledViews>(steps).fill(views), first, topK).length;
  }
  return bytes;
}

const sizes = [
  { dataset: '10 classes of 32x32x3', classes: 10, pixels: 32 * 32 * 3 },
  { dataset: '200 classes of 64x64x3', classes: 200, pixels: 64 * 64 * 3 },
  { dataset: '1,000 classes of 224x224x3', classes: 1000, pixels: 224 * 224 * 3 },
].map(({ dataset, classes, pixels }) => {
  const images = IMAGES_PER_CLASS * classes;
  const modes = {
    static: staticBytes(images, classes),
    fkd: fkdBytes(classes, {}),
    'fkd, 5 logits': fkdBytes(classes, { topK: 5 }),
    'fkd, a 10th': fkdBytes(classes, { keptShare: 1 / 10 }),
    'fkd, a 20th': fkdBytes(classes, { keptShare: 1 / 20 }),
    'fkd, a 40th': fkdBytes(classes, { keptShare: 1 / 40 }),
  };
  const each = Object.entries(modes).map(([mode, bytes]) => [mode, rounded(bytes / images)] as const);
  return { dataset, pixels, bytesPerImage: Object.fromEntries(each) };
});
writeResult('label-size', {
  ...about('npm run bench -- label-size'),
  imagesPerClass: IMAGES_PER_CLASS,
  trainingSteps: 1000,
  batchSize: 100,
  sizes,
});
for (const { dataset, bytesPerImage } of sizes) process.stdout.write(`${dataset}: ${JSON.stringify(bytesPerImage)}\n`);
