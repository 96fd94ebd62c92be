/**
 * manifest.json of a distilled set: all that somebody needs who has nothing but the files. URLs are relative to the
 * manifest's own. Published manifests are immutable: fields may be added under a new `schemaVersion`, never changed.
 */
import { z } from 'zod';
import { canonicalJson } from './canonical-json.js';
import { architectureConfig } from './config/architecture.js';
import { recipeConfig } from './config/evaluation.js';
import { type LabelConfig, labelConfig, synthesisConfig } from './config/run.js';
import { digestOfText, sha256 } from './digest.js';
import { datasetRef, imageShape, teacherRef } from './jobs/references.js';

export const MANIFEST_VERSION = 1;

/** The name that the STATIC labels have below `labels/`. */
export const STATIC_NAME = 'static.safetensors';

const inOrder = (index: number): string => String(index).padStart(6, '0');
/** The name of a shard below `shards/`. */
export const shardName = (index: number): string => `${inOrder(index)}.tar`;
/** The name below `labels/` of the FKD labels from a step on. */
export const fkdName = (firstStep: number): string => `fkd-${inOrder(firstStep)}.safetensors`;

const count = z.number().int().min(0);
const file = z.strictObject({ url: z.string().min(1), sha256, bytes: count });
const kindOfTeacher = teacherRef.pick({ index: true, kind: true, architecture: true, epoch: true, accuracy: true });

const labelMode = z.strictObject({
  mode: z.enum(['STATIC', 'FKD']),
  dtype: z.literal('float16'),
  /** What is stored: raw logits, before any temperature and softmax. */
  values: z.literal('logits'),
  /** How a student's loss is to use them. */
  loss: z.literal('KL'),
  temperature: z.number().positive(),
  scaleByTemperatureSquared: z.boolean(),
  files: z.array(file),
});

export const manifestSchema = z.strictObject({
  schemaVersion: z.literal(MANIFEST_VERSION),
  id: z.uuid(),
  name: z.string(),
  /** `setDigest` of the rest. */
  digest: sha256,
  /** Position is class index. */
  classNames: datasetRef.shape.classNames,
  /** Of a sample as stored, and of the full image that it is to be resized to. */
  imageShape,
  fullImageShape: imageShape,
  /** `formation`^2 samples make one full image's worth of pixels. */
  formation: z.number().int().positive(),
  imagesPerClass: z.number().int().positive(),
  sampleCount: count,
  pixelEncoding: z.literal('uint8'),
  mean: datasetRef.shape.mean,
  std: datasetRef.shape.std,
  normalization: z.string(),
  labelModes: z.array(labelMode),
  /** The student's by default: that of the best label teacher. */
  architecture: architectureConfig,
  teachers: z.array(kindOfTeacher.extend({ sha256, statisticsSha256: sha256 })).min(1),
  labelTeachers: z.array(kindOfTeacher.extend({ sha256 })).min(1),
  synthesis: synthesisConfig,
  labels: labelConfig,
  seed: count,
  /** How students of this set are trained by default. */
  recipe: recipeConfig,
  licence: z.string().nullable(),
  lineage: z.strictObject({ runId: z.uuid(), datasetName: z.string(), datasetDigest: sha256 }),
  shards: z.array(file.extend({ samples: count })).min(1),
});

export type Manifest = z.infer<typeof manifestSchema>;

/**
 * How students of a set are trained unless somebody asks otherwise: the network of the best of its labelling teachers, in batches
 * and for steps that its labels are made for.
 */
export const ownRecipe = (
  { architecture }: Pick<z.infer<typeof teacherRef>, 'architecture'>,
  { fkdSteps, fkdBatchSize }: LabelConfig,
) => ({ architecture, steps: fkdSteps, batchSize: fkdBatchSize });

/** Says in words what `mean` and `std` are for. */
export const NORMALIZATION = '(pixel / 255 - mean) / std, per channel, after resizing to fullImageShape';

/**
 * The digest of a set's content: sha256 of the canonical manifest without id, name, digest and the run's id. Sets made by
 * two runs from the same data, configuration and seed have the same digest.
 */
export function setDigest(manifest: Omit<Manifest, 'digest'> & { digest?: string }): string {
  const { id: _id, name: _name, digest: _digest, lineage, ...content } = manifest;
  const { runId: _runId, ...origin } = lineage;
  return digestOfText(canonicalJson({ ...content, lineage: origin }));
}

/** The bytes of manifest.json. */
export const manifestBytes = (manifest: Manifest): Buffer => Buffer.from(canonicalJson(manifest));
