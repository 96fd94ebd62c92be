import { Field, ID, InputType } from 'type-graphql';
import { Method, RunState } from '../../platform/database/generated/enums.js';

@InputType({ description: 'All given conditions must hold.' })
export class DistillationRunFilter {
  @Field(() => [RunState], { nullable: true })
  states?: RunState[] | null;

  @Field(() => [Method], { nullable: true })
  methods?: Method[] | null;

  @Field(() => ID, { nullable: true })
  datasetId?: string | null;

  @Field(() => ID, { nullable: true })
  teacherPoolId?: string | null;

  @Field(() => [String], { nullable: true, description: 'Runs that have all of these labels.' })
  labels?: string[] | null;

  @Field(() => Date, { nullable: true, description: 'Made at this time or later.' })
  createdAfter?: Date | null;

  @Field(() => Date, { nullable: true, description: 'Made before this time.' })
  createdBefore?: Date | null;

  @Field(() => Boolean, { nullable: true, description: 'true: archived runs alone; else only those that are not.' })
  archived?: boolean | null;
}
