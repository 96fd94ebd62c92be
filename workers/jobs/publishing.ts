/**
 * PUBLISHING: a run's images and labels become the files of a distilled set, the manifest last. No clock and no chance: the
 * same payload makes the same bytes.
 */
import { type ImageShape, recipeConfig } from '../../src/domain/config.js';
import { TeddyhubError } from '../../src/domain/errors.js';
import type { JobPayload } from '../../src/domain/jobs/contracts.js';
import type { ObjectRef, TeacherRef } from '../../src/domain/jobs/references.js';
import { MANIFEST_VERSION, type Manifest, manifestBytes, NORMALIZATION, setDigest } from '../../src/domain/manifest.js';
import { type DistilledSample, encodeShard } from '../../src/formats/distilled-shards.js';
import { decodeSafetensors, tensorOfFile } from '../../src/formats/safetensors.js';
import { getVerified, type ObjectStore, putByDigest } from '../../src/platform/object-store/object-store.js';
import type { Job, JobContext } from './job.js';

const FOLDER = 'distilled-sets';
const SHARD_SAMPLES = 1000;
/** Samples between two reports. */
const REPORT_EVERY = 50;
/** The name that the STATIC labels have below `labels/`. */
const STATIC_NAME = 'static.safetensors';

type Payload = JobPayload<'PUBLISHING'>;
type PublishedShard = ObjectRef & { samples: number; name: string };

export const publish: Job<'PUBLISHING'> = async (payload, context) => {
  const { store } = context;
  const { samples, shape } = await readSamples(store, payload);
  const shards: PublishedShard[] = [];
  for (let first = 0; first < samples.length; first += SHARD_SAMPLES) {
    const part = samples.slice(first, first + SHARD_SAMPLES);
    const tar = await encodeShard(reported(part, samples.length, context), shape);
    const name = `${String(shards.length).padStart(6, '0')}.tar`;
    shards.push({ ...(await putByDigest(store, FOLDER, tar, '.tar')), samples: part.length, name });
  }
  const content = describeSet(payload, shape, samples.length, shards);
  const digest = setDigest(content);
  const manifest = await putByDigest(store, FOLDER, manifestBytes({ ...content, digest }), '.json');
  context.progress(samples.length, samples.length);
  return { shards, ...payload.labels, manifest, digest, samples: samples.length };
};

/** The same samples; while they are taken, progress is told and messages come in. */
async function* reported(samples: readonly DistilledSample[], total: number, context: JobContext) {
  for (const sample of samples) {
    if (sample.index % REPORT_EVERY === 0) {
      context.progress(sample.index, total);
      await context.breathe();
    }
    yield sample;
  }
}

/** The samples of all synthesis tasks, one after another: the order that the labels count in. */
async function readSamples(
  store: ObjectStore,
  { dataset, images, labels, synthesis }: Payload,
): Promise<{ samples: DistilledSample[]; shape: ImageShape }> {
  const classes = dataset.classNames.length;
  const cells = synthesis.formation ** 2;
  const logits = tensorOfFile(decodeSafetensors(await getVerified(store, labels.static)), 'logits', 'F16', [
    -1,
    classes,
  ]);
  const samples: DistilledSample[] = [];
  /** By class: a task may have made some of them alone. */
  const ofClass = new Int32Array(classes);
  let shape: ImageShape | undefined;
  for (const ref of images) {
    const file = decodeSafetensors(await getVerified(store, ref));
    const expected = shape === undefined ? [-1, -1, -1, -1] : [-1, shape.height, shape.width, shape.channels];
    const pixels = tensorOfFile(file, 'images', 'U8', expected);
    const [n, height, width, channels] = pixels.shape as [number, number, number, number];
    shape = { height, width, channels };
    const size = height * width * channels;
    tensorOfFile(file, 'labels', 'I32', [n]).data.forEach((label, i) => {
      const index = samples.length;
      const className = dataset.classNames[label];
      if (className === undefined) throw corrupt(`${ref.key} has an image of class ${label}, of ${classes} classes`);
      const before = ofClass[label] as number;
      ofClass[label] = before + 1;
      samples.push({
        index,
        pixels: pixels.data.subarray(i * size, (i + 1) * size),
        label,
        className,
        slot: Math.floor(before / cells),
        cell: before % cells,
        staticLogits: logits.data.subarray(index * classes, (index + 1) * classes),
      });
    });
  }
  if (shape === undefined || samples.length !== logits.shape[0]) {
    throw corrupt(`${labels.static.key} has labels of ${logits.shape[0]} images, but there are ${samples.length}`);
  }
  return { samples, shape };
}

const corrupt = (problem: string): TeddyhubError =>
  new TeddyhubError('OBJECT_CORRUPT', `Object ${problem}: start the run again.`);

function describeSet(
  payload: Payload,
  imageShape: ImageShape,
  sampleCount: number,
  shards: readonly PublishedShard[],
): Omit<Manifest, 'digest'> {
  const { dataset, labels, labelConfig, labelTeachers } = payload;
  const [best] = labelTeachers as [TeacherRef, ...TeacherRef[]];
  const recipe = recipeConfig.parse({
    architecture: best.architecture,
    steps: labelConfig.fkdSteps,
    batchSize: labelConfig.fkdBatchSize,
  });
  const labelMode = (mode: 'STATIC' | 'FKD', files: Manifest['labelModes'][number]['files']) => ({
    mode,
    dtype: 'float16' as const,
    values: 'logits' as const,
    loss: 'KL' as const,
    temperature: recipe.temperature,
    scaleByTemperatureSquared: recipe.scaleByTemperatureSquared,
    files,
  });
  return {
    schemaVersion: MANIFEST_VERSION,
    id: payload.distilledSetId,
    name: payload.name,
    classNames: dataset.classNames,
    imageShape,
    fullImageShape: dataset.shape,
    formation: payload.synthesis.formation,
    imagesPerClass: payload.synthesis.imagesPerClass,
    sampleCount,
    pixelEncoding: 'uint8',
    mean: dataset.mean,
    std: dataset.std,
    normalization: NORMALIZATION,
    labelModes: [
      labelMode('STATIC', [fileOf(`labels/${STATIC_NAME}`, labels.static)]),
      labelMode(
        'FKD',
        labels.fkd.map((ref) => fileOf(`labels/${ref.name}`, ref)),
      ),
    ],
    architecture: best.architecture,
    teachers: payload.teachers.map((teacher) => ({
      ...teacherOf(teacher),
      statisticsSha256: teacher.statistics.digest,
    })),
    labelTeachers: labelTeachers.map(teacherOf),
    synthesis: payload.synthesis,
    labels: labelConfig,
    seed: payload.seed,
    recipe,
    licence: payload.licence,
    lineage: { runId: payload.runId, datasetName: payload.datasetName, datasetDigest: dataset.digest },
    shards: shards.map((shard) => ({ ...fileOf(`shards/${shard.name}`, shard), samples: shard.samples })),
  };
}

const fileOf = (url: string, { digest, bytes }: ObjectRef) => ({ url, sha256: digest, bytes });

const teacherOf = ({ index, kind, architecture, epoch, accuracy, checkpoint }: TeacherRef) => ({
  index,
  kind,
  architecture,
  epoch,
  accuracy,
  sha256: checkpoint.digest,
});
