import { Field, InputType } from 'type-graphql';
import { TaskKind, TaskState } from '../../platform/database/generated/enums.js';

@InputType({ description: 'All given conditions must hold.' })
export class TaskFilter {
  @Field(() => [TaskState], { nullable: true })
  states?: TaskState[] | null;

  @Field(() => [TaskKind], { nullable: true })
  kinds?: TaskKind[] | null;
}
