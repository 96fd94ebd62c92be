import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { z } from 'zod';
import type { poolConfig } from '../../domain/config/pool.js';
import { PoolState } from '../../platform/database/generated/enums.js';
import { CreateInput, MutationInput, NameChanges, Payload, UpdateInput } from '../kit/mutation.js';
import { PoolConfig, TeacherPool } from './teacher-pool.type.js';

@InputType()
export class TeacherPoolTrainInput extends CreateInput {
  @Field(() => String)
  name!: string;

  @Field(() => ID, { description: 'A READY dataset.' })
  datasetId!: string;

  @Field(() => PoolConfig.input, { nullable: true })
  config?: z.input<typeof poolConfig> | null;

  @Field(() => Int, { nullable: true, description: 'Defaults to 0.' })
  seed?: number | null;
}

@ObjectType()
export class TeacherPoolTrainPayload extends Payload {
  @Field(() => TeacherPool, { nullable: true })
  teacherPool!: Promise<TeacherPool | null>;
}

@InputType()
export class TeacherPoolCancelInput extends MutationInput {
  @Field(() => ID)
  id!: string;
}

@ObjectType()
export class TeacherPoolCancelPayload extends TeacherPoolTrainPayload {}

@InputType()
export class TeacherPoolUpdateInput extends UpdateInput {
  @Field(() => NameChanges)
  changes!: NameChanges;
}

@ObjectType()
export class TeacherPoolUpdatePayload extends TeacherPoolTrainPayload {}

@InputType({ description: 'All given conditions must hold.' })
export class TeacherPoolFilter {
  @Field(() => [PoolState], { nullable: true })
  states?: PoolState[] | null;

  @Field(() => ID, { nullable: true })
  datasetId?: string | null;
}
