import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { z } from 'zod';
import type { runConfig } from '../../domain/config/run.js';
import { UserError } from '../kit/failure.js';
import { CreateInput, MutationInput, Payload, UpdateInput } from '../kit/mutation.js';
import { MAX_PAGE } from '../kit/paging.js';
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

  @Field(() => Int, { nullable: true, description: 'Defaults to 0.' })
  seed?: number | null;

  @Field(() => [String], { nullable: true, description: 'At most 20, of at most 50 characters each.' })
  labels?: string[] | null;
}

/** The payload of a mutation of one run. */
@ObjectType()
abstract class RunPayload extends Payload {
  @Field(() => DistillationRun, { nullable: true })
  distillationRun!: Promise<DistillationRun | null>;
}

@ObjectType()
export class DistillationRunStartPayload extends RunPayload {}

@InputType()
export class DistillationRunCancelInput extends MutationInput {
  @Field(() => ID)
  id!: string;
}

@ObjectType()
export class DistillationRunCancelPayload extends RunPayload {}

@InputType()
export class DistillationRunRetryInput extends CreateInput {
  @Field(() => ID, { description: 'A run that was cancelled, or that failed in a way that may pass.' })
  id!: string;
}

@ObjectType({ description: 'The new run.' })
export class DistillationRunRetryPayload extends RunPayload {}

@InputType({ description: 'What the new run has otherwise; what is left out is as in the run that is cloned.' })
export class DistillationRunCloneChanges {
  @Field(() => String, { nullable: true })
  name?: string | null;

  @Field(() => ID, { nullable: true, description: 'A READY dataset.' })
  datasetId?: string | null;

  @Field(() => ID, { nullable: true, description: 'A READY pool of the dataset.' })
  teacherPoolId?: string | null;

  @Field(() => RunConfig.input, { nullable: true, description: 'Only the options that differ.' })
  config?: z.input<typeof runConfig> | null;

  @Field(() => Int, { nullable: true })
  seed?: number | null;

  @Field(() => [String], { nullable: true })
  labels?: string[] | null;
}

@InputType()
export class DistillationRunCloneInput extends CreateInput {
  @Field(() => ID)
  id!: string;

  @Field(() => DistillationRunCloneChanges, { nullable: true })
  changes?: DistillationRunCloneChanges | null;
}

@ObjectType({ description: 'The new run.' })
export class DistillationRunClonePayload extends RunPayload {}

@InputType({ description: 'What is left out stays as it is.' })
export class DistillationRunChanges {
  @Field(() => String, { nullable: true })
  name?: string | null;

  @Field(() => String, { nullable: true, description: 'An empty text takes them away.' })
  notes?: string | null;

  @Field(() => [String], { nullable: true, description: 'All labels, in the place of those that there are.' })
  labels?: string[] | null;
}

@InputType()
export class DistillationRunUpdateInput extends UpdateInput {
  @Field(() => DistillationRunChanges)
  changes!: DistillationRunChanges;
}

@ObjectType()
export class DistillationRunUpdatePayload extends RunPayload {}

@InputType()
export class DistillationRunsInput extends MutationInput {
  @Field(() => [ID], { description: `1 to ${MAX_PAGE} runs; each of them is done, or not, by itself.` })
  ids!: string[];
}

@InputType()
export class DistillationRunsLabelInput extends DistillationRunsInput {
  @Field(() => [String], { nullable: true })
  add?: string[] | null;

  @Field(() => [String], { nullable: true })
  remove?: string[] | null;
}

@ObjectType({ description: 'What became of one run of a bulk.' })
export class DistillationRunResult {
  @Field(() => ID, { description: 'As it was asked for.' })
  id!: string;

  @Field(() => DistillationRun, { nullable: true, description: 'Null where it was not done.' })
  distillationRun!: Promise<DistillationRun | null>;

  @Field(() => [UserError], { description: 'Empty when it was done.' })
  userErrors!: UserError[];
}

@ObjectType({ description: 'A result a run, in the order of the ids.' })
export class DistillationRunsPayload extends Payload {
  @Field(() => [DistillationRunResult])
  results!: DistillationRunResult[];
}
