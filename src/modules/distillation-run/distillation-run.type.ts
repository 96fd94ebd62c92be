import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Method, RunOriginKind, RunState } from '../../platform/database/generated/enums.js';
import { Reads } from '../kit/columns.js';
import { CREATED_AT, defineList, NAME } from '../kit/connection.js';
import { Failure, failureOf } from '../kit/failure.js';
import { Node } from '../kit/node.js';

registerEnumType(RunState, {
  name: 'RunState',
  description: 'The life of a run. States may be added: treat an unknown one as running.',
  valuesConfig: {
    QUEUED: { description: 'Waits for a worker.' },
    PREPARING: { description: 'Statistics of the dataset in the teachers are computed; skipped where all are known.' },
    SYNTHESIZING: { description: 'Images are made.' },
    LABELING: { description: 'The ensemble labels them.' },
    PUBLISHING: { description: 'Shards and manifest are written.' },
    SUCCEEDED: { description: 'The distilled set is there.' },
    CANCELING: { description: 'Workers are told to stop.' },
    CANCELED: { description: 'Somebody cancelled it.' },
    FAILED: { description: '`failure` says why.' },
  },
});

registerEnumType(Method, {
  name: 'Method',
  description: 'How a dataset is distilled.',
  valuesConfig: { TEDDY: { description: 'Taylor-approximated matching over a cached pool of weak teachers.' } },
});

registerEnumType(RunOriginKind, {
  name: 'RunOriginKind',
  description: 'How a run came out of another one.',
  valuesConfig: {
    CLONE: { description: 'With what it was started with, but for some changes.' },
    RETRY: { description: 'With all that it was started with; it goes on from what the other had done.' },
  },
});

@ObjectType({
  simpleResolvers: true,
  implements: Node,
  description: 'One distillation of a dataset by a pool of teachers.',
})
export class DistillationRun extends Node {
  readonly typeName = 'DistillationRun';

  @Field(() => String)
  name!: string;

  @Field(() => Method)
  method!: Method;

  @Field(() => RunState)
  state!: RunState;

  @Field(() => Int, { description: 'With the index of a task it fixes all randomness of the task.' })
  seed!: number;

  @Field(() => [String], { description: 'For people to find it again by.' })
  labels!: string[];

  @Field(() => String, { nullable: true, description: 'For people; up to 10,000 characters.' })
  notes!: string | null;

  @Field(() => Int, { description: 'Raised by every edit of name, notes or labels; an edit says which one it knows.' })
  version!: number;

  @Field(() => Int, { description: 'Sequence of the newest event.' })
  eventSequence!: number;

  @Field(() => Date)
  createdAt!: Date;

  @Field(() => Date)
  updatedAt!: Date;

  @Field(() => Date, { nullable: true, description: 'When its first task began.' })
  startedAt!: Date | null;

  @Field(() => Date, { nullable: true })
  finishedAt!: Date | null;

  @Field(() => Date, { nullable: true, description: 'Lists leave archived runs out unless asked for them.' })
  archivedAt!: Date | null;

  @Field(() => Date, { nullable: true, description: 'When a deletion takes effect. Null: it was not deleted.' })
  deleteAfter!: Date | null;

  datasetId!: string;
  poolId!: string;
  originRunId!: string | null;
  originKind!: RunOriginKind | null;
  failureKind!: 'USER' | 'SYSTEM' | null;
  failureCode!: string | null;
  failureMessage!: string | null;
  failureRetryable!: boolean | null;

  @Reads('failureKind', 'failureCode', 'failureMessage', 'failureRetryable')
  @Field(() => Failure, { nullable: true, description: 'Why it failed or was cancelled.' })
  failure(): Failure | null {
    return failureOf(this);
  }
}

/** The configuration is large, and read apart where it is asked for. */
const RUN_COLUMNS = [
  ...['id', 'projectId', 'datasetId', 'poolId', 'name', 'method', 'state', 'seed', 'eventSequence', 'labels', 'notes'],
  ...['version', 'originRunId', 'originKind', 'createdAt', 'updatedAt', 'startedAt', 'finishedAt'],
  ...['archivedAt', 'deleteAfter'],
  ...['failureKind', 'failureCode', 'failureMessage', 'failureRetryable'],
];

export const DistillationRuns = defineList(DistillationRun, {
  table: 'DistillationRun',
  columns: RUN_COLUMNS,
  sorts: {
    CREATED_AT,
    NAME,
    STARTED_AT: { column: 'startedAt', type: 'timestamptz', nullable: true, description: 'When its first task began.' },
    FINISHED_AT: { column: 'finishedAt', type: 'timestamptz', nullable: true, description: 'When it ended.' },
  },
});
