import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { DistilledSetState } from '../../platform/database/generated/enums.js';
import { MutationInput, Payload } from '../kit/mutation.js';
import { DistilledSet } from './distilled-set.type.js';

@InputType()
export class DistilledSetPublishInput extends MutationInput {
  @Field(() => ID, { description: 'A set that is STAGING; one that is PUBLISHED already stays so.' })
  id!: string;
}

@ObjectType()
export class DistilledSetPublishPayload extends Payload {
  @Field(() => DistilledSet, { nullable: true })
  distilledSet!: DistilledSet | null;
}

@InputType({ description: 'Only what meets all of it.' })
export class DistilledSetFilter {
  @Field(() => [DistilledSetState], { nullable: true })
  states?: DistilledSetState[] | null;
}
