import { Field, InputType } from 'type-graphql';
import { TaskKind, TaskState } from '../../platform/database/generated/enums.js';

@InputType({ description: 'Only what meets all of it.' })
export class TaskFilter {
  @Field(() => [TaskState], { nullable: true })
  states?: TaskState[] | null;

  @Field(() => [TaskKind], { nullable: true })
  kinds?: TaskKind[] | null;
}
