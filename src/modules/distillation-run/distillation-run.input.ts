import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { z } from 'zod';
import type { runConfig } from '../../domain/config.js';
import { RunState } from '../../platform/database/generated/enums.js';
import { CreateInput, MutationInput, Payload } from '../kit/mutation.js';
import { DistillationRun } from './distillation-run.type.js';
import { RunConfig } from './run-config.type.js';

@InputType()
export class DistillationRunStartInput extends CreateInput {
  @Field(() => String)
  name!: string;

  @Field(() => ID, { description: 'A READY dataset.' })
  datasetId!: string;

  @Field(() => ID, { description: 'A READY pool of that dataset.' })
  teacherPoolId!: string;

  @Field(() => RunConfig.input, { nullable: true })
  config?: z.input<typeof runConfig> | null;

  @Field(() => Int, { nullable: true, description: '0 unless said.' })
  seed?: number | null;
}

@ObjectType()
export class DistillationRunStartPayload extends Payload {
  @Field(() => DistillationRun, { nullable: true })
  distillationRun!: DistillationRun | null;
}

@InputType()
export class DistillationRunCancelInput extends MutationInput {
  @Field(() => ID)
  id!: string;
}

@ObjectType()
export class DistillationRunCancelPayload extends Payload {
  @Field(() => DistillationRun, { nullable: true })
  distillationRun!: DistillationRun | null;
}

@InputType({ description: 'Only what meets all of it.' })
export class DistillationRunFilter {
  @Field(() => [RunState], { nullable: true })
  states?: RunState[] | null;

  @Field(() => ID, { nullable: true })
  datasetId?: string | null;

  @Field(() => ID, { nullable: true })
  teacherPoolId?: string | null;
}
