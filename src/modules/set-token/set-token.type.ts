import { Field, ObjectType } from 'type-graphql';

@ObjectType('DistilledSetToken', {
  description: 'Reads one set from the data plane, until its time, and nothing else.',
})
export class SetToken {
  @Field(() => String, { description: 'The public part of the token.' })
  prefix!: string;

  @Field(() => String, { description: 'What it is for.' })
  name!: string;

  @Field(() => Date)
  createdAt!: Date;

  @Field(() => Date)
  expiresAt!: Date;

  @Field(() => Date, { nullable: true })
  revokedAt!: Date | null;
}
