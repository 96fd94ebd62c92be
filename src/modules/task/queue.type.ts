import { Field, Int, ObjectType } from 'type-graphql';
import { TaskKind } from '../../platform/database/generated/enums.js';

@ObjectType({ simpleResolvers: true, description: 'The tasks of one kind that have not ended.' })
export class QueueDepth {
  @Field(() => TaskKind)
  kind!: TaskKind;

  @Field(() => Int, { description: 'How many wait for a worker.' })
  queued!: number;

  @Field(() => Int, { description: 'How many a worker computes.' })
  running!: number;

  @Field(() => Date, {
    nullable: true,
    description: 'Since when the first of those that wait does. Null where none waits.',
  })
  waitingSince!: Date | null;
}

@ObjectType({ simpleResolvers: true, description: 'What of the project waits for workers, or is with them.' })
export class QueueStatus {
  @Field(() => Int)
  queued!: number;

  @Field(() => Int)
  running!: number;

  @Field(() => [QueueDepth], { description: 'Kinds with such tasks alone.' })
  kinds!: QueueDepth[];
}
