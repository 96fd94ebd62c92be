import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import { labelConfig } from '../../domain/config/run.js';
import type { Prisma } from '../../platform/database/generated/client.js';
import { DistilledSetState, LabelMode } from '../../platform/database/generated/enums.js';
import { Dataset } from '../dataset/dataset.type.js';
import { DistillationRun } from '../distillation-run/distillation-run.type.js';
import { LabelConfig } from '../distillation-run/run-config.type.js';
import { CREATED_AT, defineList, NAME } from '../kit/connection.js';
import { Node } from '../kit/node.js';
import type { SortKey } from '../kit/paging.js';
import { ByteSize, Digest } from '../kit/scalars.js';
import { Teacher, TeacherPool } from '../teacher-pool/teacher-pool.type.js';

registerEnumType(DistilledSetState, {
  name: 'DistilledSetState',
  description: 'Who can read a set.',
  valuesConfig: {
    STAGING: { description: 'Complete and readable by evaluations, not yet served to trainers.' },
    PUBLISHED: { description: 'Served to trainers, and immutable.' },
    ARCHIVED: { description: 'No longer offered.' },
  },
});

registerEnumType(LabelMode, {
  name: 'LabelMode',
  description: 'What labels are made for.',
  valuesConfig: {
    STATIC: { description: 'One logit vector a sample, the mean over views.' },
    FKD: { description: "The logits of every view of every training step, with the view's own crop, flip and mix." },
  },
});

@ObjectType({ simpleResolvers: true, implements: Node, description: 'A tar file of samples, in WebDataset form.' })
export class DistilledShard extends Node {
  readonly typeName = 'DistilledShard';

  @Field(() => String)
  name!: string;

  @Field(() => Int)
  index!: number;

  @Field(() => Digest)
  digest!: string;

  @Field(() => ByteSize)
  bytes!: bigint;

  @Field(() => Int)
  samples!: number;
}

@ObjectType({ simpleResolvers: true, implements: Node, description: 'A file of labels.' })
export class LabelFile extends Node {
  readonly typeName = 'LabelFile';

  @Field(() => String)
  name!: string;

  @Field(() => Int)
  index!: number;

  @Field(() => Digest)
  digest!: string;

  @Field(() => ByteSize)
  bytes!: bigint;
}

@ObjectType({ simpleResolvers: true, implements: Node, description: 'The labels of a set in one mode.' })
export class LabelSet extends Node {
  readonly typeName = 'LabelSet';

  @Field(() => LabelMode)
  mode!: LabelMode;

  config!: Prisma.JsonValue;

  @Field(() => LabelConfig.output, { name: 'config' })
  typedConfig(): object {
    return labelConfig.parse(this.config);
  }
}

@ObjectType({
  simpleResolvers: true,
  implements: Node,
  description: 'A few synthetic images a class, with soft labels. Immutable once PUBLISHED.',
})
export class DistilledSet extends Node {
  readonly typeName = 'DistilledSet';

  @Field(() => String)
  name!: string;

  @Field(() => DistilledSetState)
  state!: DistilledSetState;

  @Field(() => Int, { description: "Full images' worth of pixels of every class." })
  imagesPerClass!: number;

  @Field(() => Int, {
    description: 'Samples in the shards; with formation f there are f x f in the pixels of one image.',
  })
  sampleCount!: number;

  @Field(() => Digest, { description: 'Of the content, without id and name: equal content, equal digest.' })
  digest!: string;

  @Field(() => Digest, { description: 'Of the bytes of manifest.json.' })
  manifestDigest!: string;

  @Field(() => Date)
  createdAt!: Date;

  @Field(() => Date, { nullable: true })
  publishedAt!: Date | null;

  @Field(() => Date, { nullable: true })
  archivedAt!: Date | null;

  @Field(() => Date, { nullable: true, description: 'When a deletion takes effect. Null: it was not deleted.' })
  deleteAfter!: Date | null;

  runId!: string;

  @Field(() => String, { description: 'Its id outside of GraphQL: in URLs, in the manifest and for `teddyhub pull`.' })
  uuid(): string {
    return this.id;
  }

  @Field(() => String, { description: 'Path on this service, to be fetched with a key.' })
  manifestUrl(): string {
    return `/v1/distilled-sets/${this.id}/manifest.json`;
  }
}

@ObjectType({ simpleResolvers: true, description: 'All that a set was made of, back to the dataset.' })
export class Lineage {
  @Field(() => Dataset)
  dataset!: Dataset;

  @Field(() => TeacherPool)
  teacherPool!: TeacherPool;

  @Field(() => DistillationRun)
  distillationRun!: DistillationRun;

  @Field(() => [Teacher], { description: 'The teachers of the pool that the run matched.' })
  matchedTeachers!: Teacher[];

  @Field(() => [Teacher], { description: 'The teachers of the pool that labelled, the best first.' })
  labelTeachers!: Teacher[];
}

const INDEX: SortKey = { column: 'index', type: 'int4', description: 'Position in the set.' };

export const DistilledShards = defineList(DistilledShard, {
  table: 'DistilledShard',
  sorts: { INDEX },
  direction: 'ASC',
});
export const LabelFiles = defineList(LabelFile, { table: 'LabelFile', sorts: { INDEX }, direction: 'ASC' });
export const DistilledSets = defineList(DistilledSet, { table: 'DistilledSet', sorts: { CREATED_AT, NAME } });
