import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { Dataset } from '../dataset/dataset.type.js';
import { DistilledSet } from '../distilled-set/distilled-set.type.js';
import { MutationInput, Payload } from '../kit/mutation.js';
import { TeacherPool } from '../teacher-pool/teacher-pool.type.js';

@InputType({ description: 'What is to be archived, deleted or restored.' })
export class RetentionInput extends MutationInput {
  @Field(() => ID)
  id!: string;
}

@ObjectType()
export class DatasetRetentionPayload extends Payload {
  @Field(() => Dataset, { nullable: true })
  dataset!: Promise<Dataset | null>;
}

@ObjectType()
export class TeacherPoolRetentionPayload extends Payload {
  @Field(() => TeacherPool, { nullable: true })
  teacherPool!: Promise<TeacherPool | null>;
}

@ObjectType()
export class DistilledSetRetentionPayload extends Payload {
  @Field(() => DistilledSet, { nullable: true })
  distilledSet!: Promise<DistilledSet | null>;
}
