/** How far the tasks of an object are. */
import { Field, Float, Int, ObjectType } from 'type-graphql';

@ObjectType({ simpleResolvers: true, description: 'How far the work on an object is.' })
export class Progress {
  @Field(() => Int, { description: 'Steps done, over all tasks of the present phase that have begun.' })
  step!: number;

  @Field(() => Int, { description: 'Steps of those tasks in all. 0 before the first has begun.' })
  totalSteps!: number;

  @Field(() => Float, { description: '0 to 1, over all tasks of the present phase, begun or not.' })
  fraction!: number;

  @Field(() => Date, { nullable: true, description: 'When a worker last told. Null before the first sign.' })
  updatedAt!: Date | null;
}

/** Some tasks of one kind, summed up. */
export interface ProgressGroup {
  tasks: number;
  step: number;
  totalSteps: number;
  /** Of each task 0 to 1, summed up: a task that has not begun does not know its steps yet, and counts all the same. */
  share: number;
  progressAt: Date | null;
}

/** The mean over tasks. */
export function progressOf(groups: readonly ProgressGroup[], finished: boolean): Progress {
  const sum = (key: 'tasks' | 'step' | 'totalSteps' | 'share') =>
    groups.reduce((total, group) => total + group[key], 0);
  const times = groups.flatMap(({ progressAt }) => (progressAt ? [progressAt.getTime()] : []));
  const tasks = sum('tasks');
  return {
    step: sum('step'),
    totalSteps: sum('totalSteps'),
    fraction: finished ? 1 : tasks === 0 ? 0 : sum('share') / tasks,
    updatedAt: times.length === 0 ? null : new Date(Math.max(...times)),
  };
}
