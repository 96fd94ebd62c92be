/**
 * PUBLISHING: a run's images and labels become the files of a distilled set, the manifest last. No clock and no chance: the
 * same payload makes the same bytes.
 */
import { cellShape, type ImageShape } from '../../src/domain/config/architecture.js';
import { recipeConfig } from '../../src/domain/config/evaluation.js';
import { TeddyhubError } from '../../src/domain/errors.js';
import type { JobPayload } from '../../src/domain/jobs/contracts.js';
import type { ObjectRef, TeacherRef } from '../../src/domain/jobs/references.js';
import {
  MANIFEST_VERSION,
  type Manifest,
  manifestBytes,
  NORMALIZATION,
  ownRecipe,
  STATIC_NAME,
  setDigest,
  shardName,
} from '../../src/domain/manifest.js';
import { type DistilledSample, encodeShard } from '../../src/formats/distilled-shards.js';
import { decodeSafetensors, tensorOfFile } from '../../src/formats/safetensors.js';
import { getVerified, type ObjectStore, putByDigest } from '../../src/platform/object-store/object-store.js';
import type { Job } from './job.js';

const FOLDER = 'distilled-sets';
const SHARD_SAMPLES = 1000;
const SHARD_BYTES = 2 ** 30;
/** Samples between two reports. */
const REPORT_EVERY = 50;

type Payload = JobPayload<'PUBLISHING'>;
type PublishedShard = ObjectRef & { samples: number; name: string };

export const publish: Job<'PUBLISHING'> = async (payload, context) => {
  const { store } = context;
  const { dataset, labels, synthesis } = payload;
  const file = decodeSafetensors(await getVerified(store, labels.static));
  const logits = tensorOfFile(file, 'logits', 'F16', [-1, dataset.classNames.length]);
  const total = logits.shape[0] as number;
  const shape = cellShape(dataset.shape, synthesis.formation);
  const samples = samplesOf(store, payload, shape, logits.data);
  const differing = (images: string) =>
    corrupt(`${labels.static.key} has labels of ${total} images, but there are ${images}`);

  /** The next `count` samples; while they are taken, progress is told and messages come in. */
  async function* next(count: number): AsyncGenerator<DistilledSample> {
    for (let i = 0; i < count; i++) {
      const { value, done } = await samples.next();
      if (done) throw differing('fewer');
      if (value.index % REPORT_EVERY === 0) {
        context.progress(value.index, total);
        await context.breathe();
      }
      yield value;
    }
  }

  const shards: PublishedShard[] = [];
  const most = samplesPerShard(shape, dataset.classNames.length);
  for (let first = 0; first < total; first += most) {
    const count = Math.min(most, total - first);
    const tar = await encodeShard(next(count), shape);
    const object = await putByDigest(store, FOLDER, tar, '.tar');
    shards.push({ ...object, samples: count, name: shardName(shards.length) });
  }
  if (!(await samples.next()).done) throw differing('more');
  const content = describeSet(payload, shape, total, shards);
  const digest = setDigest(content);
  const manifest = await putByDigest(store, FOLDER, manifestBytes({ ...content, digest }), '.json');
  context.progress(total, total);
  return { shards, ...labels, manifest, digest, samples: total };
};

/** Fewer where their pixels and logits, were they not compressed, are more than a GiB: no object may reach two. */
export function samplesPerShard({ height, width, channels }: ImageShape, classes: number): number {
  const sampleBytes = height * width * channels + 2 * classes;
  return Math.max(1, Math.min(SHARD_SAMPLES, Math.floor(SHARD_BYTES / sampleBytes)));
}

/** The samples of all synthesis tasks, one after another, the order that the labels count in; one task's in memory at a time. */
async function* samplesOf(
  store: ObjectStore,
  { dataset: { classNames }, images, synthesis }: Payload,
  { height, width, channels }: ImageShape,
  logits: Uint16Array,
): AsyncGenerator<DistilledSample> {
  const classes = classNames.length;
  const cells = synthesis.formation ** 2;
  const size = height * width * channels;
  /** By class: a task may have made some of them alone. */
  const ofClass = new Int32Array(classes);
  let index = 0;
  for (const ref of images) {
    const file = decodeSafetensors(await getVerified(store, ref));
    const { data, shape } = tensorOfFile(file, 'images', 'U8');
    if (shape.slice(1).join() !== [height, width, channels].join()) {
      throw corrupt(`${ref.key} has images of [${shape.slice(1).join(', ')}], not [${height}, ${width}, ${channels}]`);
    }
    for (const [i, label] of tensorOfFile(file, 'labels', 'I32', [shape[0] as number]).data.entries()) {
      const className = classNames[label];
      if (className === undefined) throw corrupt(`${ref.key} has an image of class ${label}, of ${classes} classes`);
      const before = ofClass[label] as number;
      ofClass[label] = before + 1;
      yield {
        index,
        pixels: data.subarray(i * size, (i + 1) * size),
        label,
        className,
        slot: Math.floor(before / cells),
        cell: before % cells,
        staticLogits: logits.subarray(index * classes, (index + 1) * classes),
      };
      index += 1;
    }
  }
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
  const recipe = recipeConfig.parse(ownRecipe(best, labelConfig));
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
