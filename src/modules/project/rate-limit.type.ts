import { Field, Int, ObjectType } from 'type-graphql';

@ObjectType({
  simpleResolvers: true,
  description: 'What a key may still ask for. Every operation costs what its fields and pages cost.',
})
export class RateLimit {
  @Field(() => Int, { description: 'Points a minute.' })
  limit!: number;

  @Field(() => Int, { description: 'Of this operation.' })
  cost!: number;

  @Field(() => Int, { description: 'What is left until `resetAt`.' })
  remaining!: number;

  @Field(() => Date)
  resetAt!: Date;
}
