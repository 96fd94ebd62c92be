import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import { AttemptOutcome, TaskKind, TaskState } from '../../platform/database/generated/enums.js';
import { CREATED_AT, defineList } from '../kit/connection.js';
import { Failure, failureOf } from '../kit/failure.js';
import { Node } from '../kit/node.js';
import { Progress, progressOf } from '../kit/progress.js';

registerEnumType(TaskKind, {
  name: 'TaskKind',
  description: 'What a task does.',
  valuesConfig: {
    DATASET_IMPORT: { description: 'Reads the files of a dataset into shards.' },
    POOL_TRAINING: { description: 'Trains the base run of a pool and keeps its teachers.' },
    STATISTICS: { description: 'Computes the exact statistics of the dataset in one teacher.' },
    SYNTHESIS: { description: 'Makes one batch of synthetic images.' },
    LABELING: { description: 'Labels all images of a run.' },
    PUBLISHING: { description: 'Writes shards and manifest of the set.' },
    EVALUATION: { description: 'Trains and tests one student.' },
  },
});

registerEnumType(TaskState, {
  name: 'TaskState',
  description: 'How far a task is.',
  valuesConfig: {
    QUEUED: { description: 'Waits for a worker, or in a retry for its stage.' },
    RUNNING: { description: 'A worker computes it.' },
    SUCCEEDED: { description: 'Done.' },
    FAILED: { description: 'Given up; `failure` says why.' },
    CANCELED: { description: 'Not needed any more.' },
  },
});

registerEnumType(AttemptOutcome, {
  name: 'AttemptOutcome',
  description: 'How an attempt ended.',
  valuesConfig: {
    SUCCEEDED: { description: 'With a result.' },
    FAILED: { description: 'With a failure.' },
    CANCELED: { description: 'The task was not needed any more.' },
    DRAINED: { description: 'Its worker stopped, and handed the task back with its checkpoint.' },
    LOST: { description: 'Its worker gave no sign of life any more.' },
  },
});

@ObjectType({ simpleResolvers: true, description: 'One try at a task by one worker.' })
export class TaskAttempt {
  @Field(() => Int, { description: 'From 1 on.' })
  number!: number;

  @Field(() => Date)
  startedAt!: Date;

  @Field(() => Date, { nullable: true, description: 'Null while it goes on.' })
  endedAt!: Date | null;

  @Field(() => AttemptOutcome, { nullable: true, description: 'Null while it goes on.' })
  outcome!: AttemptOutcome | null;

  @Field(() => String, { nullable: true, description: 'Why it ended without a result.' })
  reason!: string | null;

  @Field(() => Int, { description: 'Writes that were refused because a newer attempt had taken over.' })
  refusedWrites!: number;

  workerId!: string | null;
}

@ObjectType({ simpleResolvers: true, implements: Node, description: 'A unit of work and of retry.' })
export class Task extends Node {
  readonly typeName = 'Task';

  @Field(() => TaskKind)
  kind!: TaskKind;

  @Field(() => TaskState)
  state!: TaskState;

  @Field(() => Int, { description: 'Position among the tasks of its kind and owner.' })
  index!: number;

  @Field(() => Int, { description: 'Attempts so far.' })
  attempts!: number;

  @Field(() => Int, { description: 'Failed or lost attempts after which it is given up.' })
  maxAttempts!: number;

  @Field(() => Date)
  createdAt!: Date;

  @Field(() => Date, { nullable: true, description: 'When its first attempt began.' })
  startedAt!: Date | null;

  @Field(() => Date, { nullable: true })
  finishedAt!: Date | null;

  step!: number;
  totalSteps!: number;
  progressAt!: Date | null;
  workerId!: string | null;
  runId!: string | null;
  failureKind!: 'USER' | 'SYSTEM' | null;
  failureCode!: string | null;
  failureMessage!: string | null;
  failureRetryable!: boolean | null;

  @Field(() => Progress)
  progress(): Progress {
    const { state, step, totalSteps, progressAt } = this;
    const share = totalSteps > 0 ? Math.min(1, step / totalSteps) : 0;
    return progressOf([{ tasks: 1, step, totalSteps, share, progressAt }], state === 'SUCCEEDED');
  }

  @Field(() => Failure, { nullable: true })
  failure(): Failure | null {
    return failureOf(this);
  }
}

/** Payloads and results are not read: they are for workers, and large. */
const TASK_COLUMNS = [
  ...['id', 'projectId', 'kind', 'state', 'index', 'runId', 'attempts', 'maxAttempts', 'workerId'],
  ...['step', 'totalSteps', 'progressAt', 'createdAt', 'startedAt', 'finishedAt'],
  ...['failureKind', 'failureCode', 'failureMessage', 'failureRetryable'],
];

export const Tasks = defineList(Task, { table: 'Task', columns: TASK_COLUMNS, sorts: { CREATED_AT } });
