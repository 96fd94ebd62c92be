/** How far the tasks of an object are. */
import { Field, Float, Int, ObjectType } from 'type-graphql';

@ObjectType({ description: 'How far the work on an object is.' })
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

export interface TaskProgress {
  state: string;
  step: number;
  totalSteps: number;
  progressAt: Date | null;
}

/** The mean over tasks: a task that has not begun does not know its steps yet, and counts all the same. */
export function progressOf(tasks: readonly TaskProgress[], finished: boolean): Progress {
  const share = (task: TaskProgress) => {
    if (task.state === 'SUCCEEDED') return 1;
    return task.totalSteps > 0 ? Math.min(1, task.step / task.totalSteps) : 0;
  };
  const sum = (value: (task: TaskProgress) => number) => tasks.reduce((total, task) => total + value(task), 0);
  const times = tasks.flatMap((task) => (task.progressAt ? [task.progressAt.getTime()] : []));
  return {
    step: sum((task) => task.step),
    totalSteps: sum((task) => task.totalSteps),
    fraction: finished ? 1 : tasks.length === 0 ? 0 : sum(share) / tasks.length,
    updatedAt: times.length === 0 ? null : new Date(Math.max(...times)),
  };
}
