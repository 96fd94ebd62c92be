import { Field, ID, InputType, ObjectType } from 'type-graphql';
import type { Prisma } from '../../platform/database/generated/client.js';
import { CREATED_AT, defineList } from '../kit/connection.js';
import { leavesOf } from '../kit/leaves.js';
import { NODE_TYPES, Node, toGlobalId } from '../kit/node.js';

@ObjectType({ description: 'A part of what was asked for or changed.', simpleResolvers: true })
export class AuditDetail {
  @Field(() => String, { description: 'Such as `config.synthesis.steps`.' })
  path!: string;

  @Field(() => String, { description: 'As text.' })
  value!: string;
}

@ObjectType({ simpleResolvers: true, implements: Node, description: 'Who did what. It outlives what it speaks of.' })
export class AuditEvent extends Node {
  readonly typeName = 'AuditEvent';

  @Field(() => String, {
    description: '`key:` and the public part of the key; `operator` where it was done at the command line.',
  })
  actor!: string;

  @Field(() => String, { description: 'The mutation, of one thing where it is a bulk.' })
  action!: string;

  @Field(() => String, { description: 'The type of the object that it was done to.' })
  subjectType!: string;

  @Field(() => String, { nullable: true, description: 'The id of the request, as its answer and the log have it.' })
  requestId!: string | null;

  @Field(() => Date)
  createdAt!: Date;

  data!: Prisma.JsonValue;
  declare subjectId: string;

  @Field(() => ID, { name: 'subjectId', description: 'The id of the object, which may be gone by now.' })
  subjectGlobalId(): string {
    const type = NODE_TYPES.find((candidate) => candidate === this.subjectType);
    return type ? toGlobalId(type, this.subjectId) : this.subjectId;
  }

  @Field(() => [AuditDetail], { description: 'What was asked for, with the defaults in, or what changed.' })
  details(): AuditDetail[] {
    return [...leavesOf(this.data)].map(([path, value]) => ({ path, value }));
  }
}

export const AuditEvents = defineList(AuditEvent, { table: 'AuditEvent', sorts: { CREATED_AT } });

@InputType({ description: 'All given conditions must hold.' })
export class AuditEventFilter {
  @Field(() => String, { nullable: true, description: 'Such as `key:` and the public part of a key.' })
  actor?: string | null;

  @Field(() => String, { nullable: true, description: 'Such as `distillationRunCancel`.' })
  action?: string | null;

  @Field(() => ID, { nullable: true, description: 'What was done to this object.' })
  subjectId?: string | null;

  @Field(() => Date, { nullable: true, description: 'At this time or later.' })
  createdAfter?: Date | null;

  @Field(() => Date, { nullable: true, description: 'Before this time.' })
  createdBefore?: Date | null;
}
