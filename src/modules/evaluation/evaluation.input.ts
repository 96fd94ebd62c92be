import { Field, ID, InputType, ObjectType } from 'type-graphql';
import type { z } from 'zod';
import type { evaluationConfig } from '../../domain/config/evaluation.js';
import { EvaluationState } from '../../platform/database/generated/enums.js';
import { CreateInput, MutationInput, Payload } from '../kit/mutation.js';
import { Evaluation, EvaluationConfig } from './evaluation.type.js';

@InputType()
export class EvaluationStartInput extends CreateInput {
  @Field(() => ID, { description: 'A set that is STAGING or PUBLISHED.' })
  distilledSetId!: string;

  @Field(() => EvaluationConfig.input, { nullable: true })
  config?: z.input<typeof evaluationConfig> | null;
}

@ObjectType()
export class EvaluationStartPayload extends Payload {
  @Field(() => Evaluation, { nullable: true })
  evaluation!: Promise<Evaluation | null>;
}

@InputType()
export class EvaluationCancelInput extends MutationInput {
  @Field(() => ID)
  id!: string;
}

@ObjectType()
export class EvaluationCancelPayload extends Payload {
  @Field(() => Evaluation, { nullable: true })
  evaluation!: Promise<Evaluation | null>;
}

@InputType({ description: 'All given conditions must hold.' })
export class EvaluationFilter {
  @Field(() => [EvaluationState], { nullable: true })
  states?: EvaluationState[] | null;

  @Field(() => ID, { nullable: true })
  distilledSetId?: string | null;
}
