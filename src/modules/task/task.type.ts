import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import { TaskKind, TaskState } from '../../platform/database/generated/enums.js';
import { connectionType } from '../kit/connection.js';
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
    QUEUED: { description: 'Waits for a worker.' },
    RUNNING: { description: 'A worker computes it.' },
    SUCCEEDED: { description: 'Done.' },
    FAILED: { description: 'Given up; `failure` says why.' },
    CANCELED: { description: 'Not needed any more.' },
  },
});

@ObjectType({ implements: Node, description: 'A unit of work and of retry.' })
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
    return progressOf([this], this.state === 'SUCCEEDED');
  }

  @Field(() => Failure, { nullable: true })
  failure(): Failure | null {
    return failureOf(this);
  }
}

export const TaskConnection = connectionType(Task);
