/** What the stages before publishing leave: 1,212 samples whose pixels and logits differ, and the payload that names them. */
import { labelConfig, synthesisConfig } from '../../src/domain/config/run.js';
import { JOB_CONTRACTS, type JobPayload } from '../../src/domain/jobs/contracts.js';
import { halvesOf } from '../../src/formats/float16.js';
import { encodeSafetensors } from '../../src/formats/safetensors.js';
import { digestOf, type ObjectStore, putByDigest } from '../../src/platform/object-store/object-store.js';

export const CLASSES = 3;
/** Two tasks of 51 and 50 slots of 3 classes and 4 cells: 1,212 samples, so more than one shard. */
const SLOTS = [51, 50];
export const [HEIGHT, WIDTH] = [4, 6];
export const SIZE = HEIGHT * WIDTH;
export const labelOf = (i: number) => Math.floor(i / 4) % CLASSES;

export type Payload = JobPayload<'PUBLISHING'>;
const named = (text: string) => ({ key: text, digest: digestOf(Buffer.from(text)), bytes: text.length });

/** Stores what the stages before would have made: pixels and logits that differ from sample to sample. */
export async function makeInputs(store: ObjectStore, brightness = 0) {
  const counts = SLOTS.map((slots) => slots * CLASSES * 4);
  const total = counts.reduce((a, b) => a + b, 0);
  const pixels = Uint8Array.from({ length: total * SIZE }, (_, i) => (i * 7 + Math.floor(i / SIZE) + brightness) % 256);
  const logits = halvesOf(Array.from({ length: total * CLASSES }, (_, i) => (i % 97) / 8 - 5));
  const images: Payload['images'] = [];
  let first = 0;
  for (const n of counts) {
    const data = pixels.slice(first * SIZE, (first + n) * SIZE);
    const labels = Int32Array.from({ length: n }, (_, i) => labelOf(i));
    const file = encodeSafetensors({
      images: { dtype: 'U8', shape: [n, HEIGHT, WIDTH, 1], data },
      labels: { dtype: 'I32', shape: [n], data: labels },
    });
    images.push(await putByDigest(store, 'synthetic', file, '.safetensors'));
    first += n;
  }
  await store.put('fkd', Buffer.from('fkd'));
  const file = encodeSafetensors({ logits: { dtype: 'F16', shape: [total, CLASSES], data: logits } });
  return { images, static: await putByDigest(store, 'labels', file, '.safetensors'), pixels, logits, total };
}

export type Inputs = Awaited<ReturnType<typeof makeInputs>>;

export function payloadOf(inputs: Inputs, changes: Partial<Payload> = {}): Payload {
  const teacher = {
    index: 0,
    kind: 'EARLY_EPOCH' as const,
    architecture: { name: 'CONVNET' as const, width: 8, depth: 2 },
    epoch: 1,
    accuracy: 80.5,
    checkpoint: named('teacher'),
  };
  return JOB_CONTRACTS.PUBLISHING.payload.parse({
    runId: '018f0000-0000-7000-8000-000000000001',
    distilledSetId: '018f0000-0000-7000-8000-000000000002',
    name: 'first',
    licence: null,
    dataset: {
      digest: digestOf(Buffer.from('dataset')),
      classNames: ['boot', 'coat', 'été'],
      shape: { height: 2 * HEIGHT, width: 2 * WIDTH, channels: 1 },
      mean: [0.3],
      std: [0.2],
      train: [],
      test: [],
    },
    datasetName: 'clothes',
    teachers: [{ ...teacher, statistics: named('statistics') }],
    labelTeachers: [teacher],
    images: inputs.images,
    labels: { static: inputs.static, fkd: [{ ...named('fkd'), name: 'fkd-000000.safetensors' }] },
    synthesis: synthesisConfig.parse({ formation: 2, imagesPerClass: 101, imagesPerClassPerTask: 51 }),
    labelConfig: labelConfig.parse({ fkdSteps: 40, fkdBatchSize: 20 }),
    seed: 7,
    ...changes,
  });
}
