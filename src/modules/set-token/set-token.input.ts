import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { CreateInput, MutationInput, Payload } from '../kit/mutation.js';
import { DistilledSetToken } from './set-token.type.js';

export const DEFAULT_SECONDS = 7 * 86_400;

@InputType()
export class DistilledSetTokenCreateInput extends CreateInput {
  @Field(() => ID, { description: 'A set that is PUBLISHED or ARCHIVED.' })
  distilledSetId!: string;

  @Field(() => String, { description: 'What it is for: a training job, say. 1 to 200 characters.' })
  name!: string;

  @Field(() => Int, { defaultValue: DEFAULT_SECONDS, description: 'How long it works: 60 seconds to 366 days.' })
  seconds!: number;
}

@ObjectType()
export class DistilledSetTokenCreatePayload extends Payload {
  @Field(() => DistilledSetToken, { nullable: true })
  token!: Promise<DistilledSetToken | null>;

  @Field(() => String, {
    nullable: true,
    description: 'The whole token, shown this once. Null when a repeated idempotency key found one made before.',
  })
  secret!: string | null;
}

@InputType()
export class DistilledSetTokenRevokeInput extends MutationInput {
  @Field(() => String, { description: 'The public part of the token.' })
  prefix!: string;
}

@ObjectType()
export class DistilledSetTokenRevokePayload extends Payload {
  @Field(() => DistilledSetToken, { nullable: true })
  token!: Promise<DistilledSetToken | null>;
}
