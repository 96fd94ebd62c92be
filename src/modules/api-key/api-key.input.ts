import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { Role as RoleName } from '../../domain/viewer.js';
import { Role } from '../../platform/database/generated/enums.js';
import { CreateInput, MutationInput, Payload } from '../kit/mutation.js';
import { ApiKey } from './api-key.type.js';

@InputType()
export class ApiKeyCreateInput extends CreateInput {
  @Field(() => String, { description: 'What it is for, 1 to 200 characters.' })
  name!: string;

  @Field(() => Role)
  role!: RoleName;

  @Field(() => Date, { nullable: true, description: 'When it stops working; by default it never does.' })
  expiresAt?: Date | null;
}

@InputType()
export class ApiKeyRotateInput extends CreateInput {
  @Field(() => ID, { description: 'A key that works and was not rotated before.' })
  id!: string;

  @Field(() => Int, {
    defaultValue: 300,
    description:
      'How long the old key goes on beside the new one, for clients to change over; at most 30 days. 0 ends it at once: where the answer with the new one is lost, nobody has either.',
  })
  overlapSeconds!: number;

  @Field(() => Date, { nullable: true, description: 'When the new key stops working; by default it never does.' })
  expiresAt?: Date | null;
}

@InputType()
export class ApiKeyRevokeInput extends MutationInput {
  @Field(() => ID)
  id!: string;
}

@ObjectType()
export class ApiKeyRevokePayload extends Payload {
  @Field(() => ApiKey, { nullable: true })
  apiKey!: Promise<ApiKey | null>;
}

/** A payload that shows a new key. */
@ObjectType()
abstract class NewKeyPayload extends ApiKeyRevokePayload {
  @Field(() => String, {
    nullable: true,
    description: 'The whole key, shown this once. Null when a repeated idempotency key found a key made before.',
  })
  secret!: string | null;
}

@ObjectType({ description: 'The new key.' })
export class ApiKeyCreatePayload extends NewKeyPayload {}

@ObjectType({ description: 'The key that takes the place of the old one.' })
export class ApiKeyRotatePayload extends NewKeyPayload {}
