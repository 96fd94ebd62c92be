import { Field, ObjectType } from 'type-graphql';
import { CREATED_AT, defineList } from '../kit/connection.js';
import { Node } from '../kit/node.js';

@ObjectType({
  simpleResolvers: true,
  implements: Node,
  description: 'Reads one set from the data plane, until its time, and nothing else.',
})
export class DistilledSetToken extends Node {
  readonly typeName = 'DistilledSetToken';

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

export const DistilledSetTokens = defineList(DistilledSetToken, {
  table: 'DistilledSetToken',
  sorts: { CREATED_AT },
});
