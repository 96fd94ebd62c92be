import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { DistilledSetState } from '../../platform/database/generated/enums.js';
import { UserError } from '../kit/failure.js';
import { MutationInput, Payload } from '../kit/mutation.js';
import { MAX_PAGE } from '../kit/paging.js';
import { DistilledSet } from './distilled-set.type.js';

@InputType()
export class DistilledSetPublishInput extends MutationInput {
  @Field(() => ID, { description: 'A set that is STAGING; one that is PUBLISHED already stays so.' })
  id!: string;
}

@ObjectType()
export class DistilledSetPublishPayload extends Payload {
  @Field(() => DistilledSet, { nullable: true })
  distilledSet!: Promise<DistilledSet | null>;
}

@InputType()
export class DistilledSetsArchiveInput extends MutationInput {
  @Field(() => [ID], { description: `1 to ${MAX_PAGE} sets; each of them is done, or not, by itself.` })
  ids!: string[];
}

@ObjectType({ description: 'What became of one set of a bulk.' })
export class DistilledSetResult {
  @Field(() => ID, { description: 'As it was asked for.' })
  id!: string;

  @Field(() => DistilledSet, { nullable: true, description: 'Null where it was not done.' })
  distilledSet!: Promise<DistilledSet | null>;

  @Field(() => [UserError], { description: 'Empty when it was done.' })
  userErrors!: UserError[];
}

@ObjectType({ description: 'A result a set, in the order of the ids.' })
export class DistilledSetsArchivePayload extends Payload {
  @Field(() => [DistilledSetResult])
  results!: DistilledSetResult[];
}

@InputType({ description: 'All given conditions must hold.' })
export class DistilledSetFilter {
  @Field(() => [DistilledSetState], { nullable: true })
  states?: DistilledSetState[] | null;
}
