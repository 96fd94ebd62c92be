import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import { ByteSize } from '../kit/scalars.js';

const StorageKind = {
  DATASETS: 'DATASETS',
  TEACHERS: 'TEACHERS',
  DISTILLED_SETS: 'DISTILLED_SETS',
  LABELS: 'LABELS',
} as const;

registerEnumType(StorageKind, {
  name: 'StorageKind',
  description: 'What objects are kept for.',
  valuesConfig: {
    DATASETS: { description: 'Shards of datasets.' },
    TEACHERS: { description: 'Checkpoints of teachers.' },
    DISTILLED_SETS: { description: 'Shards of distilled sets.' },
    LABELS: { description: 'Label files of distilled sets.' },
  },
});

@ObjectType({ description: 'What the objects of one kind take. An object that several things share counts once.' })
export class StorageUse {
  @Field(() => StorageKind)
  kind!: keyof typeof StorageKind;

  @Field(() => Int)
  objects!: number;

  @Field(() => ByteSize)
  bytes!: bigint;
}
