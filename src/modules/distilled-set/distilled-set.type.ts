import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import { labelConfig } from '../../domain/config.js';
import type { Prisma } from '../../platform/database/generated/client.js';
import { DistilledSetState, LabelMode } from '../../platform/database/generated/enums.js';
import { LabelConfig } from '../distillation-run/run-config.type.js';
import { connectionType } from '../kit/connection.js';
import { Node } from '../kit/node.js';
import { ByteSize, Digest } from '../kit/scalars.js';

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

@ObjectType({ description: 'A tar file of samples, in WebDataset form.' })
export class DistilledShard {
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

@ObjectType({ description: 'A file of labels.' })
export class LabelFile {
  @Field(() => String)
  name!: string;

  @Field(() => Digest)
  digest!: string;

  @Field(() => ByteSize)
  bytes!: bigint;
}

@ObjectType({ description: 'The labels of a set in one mode.' })
export class LabelSet {
  @Field(() => LabelMode)
  mode!: LabelMode;

  @Field(() => [LabelFile])
  files!: LabelFile[];

  config!: Prisma.JsonValue;

  @Field(() => LabelConfig.output, { name: 'config' })
  typedConfig(): object {
    return labelConfig.parse(this.config);
  }
}

@ObjectType({
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

export const DistilledSetConnection = connectionType(DistilledSet);
