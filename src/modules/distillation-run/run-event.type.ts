import { Field, Float, ID, Int, InterfaceType, ObjectType, registerEnumType } from 'type-graphql';
import { RUN_EVENT_TYPES } from '../../domain/run-events.js';
import { RunState, TaskKind } from '../../platform/database/generated/enums.js';
import type { StoredRunEvent } from '../../platform/events/stored-event.js';
import { Failure, toFailureType } from '../kit/failure.js';
import { toGlobalId } from '../kit/node.js';

const RunEventType = Object.fromEntries(RUN_EVENT_TYPES.map((type) => [type, type])) as Record<
  (typeof RUN_EVENT_TYPES)[number],
  string
>;

registerEnumType(RunEventType, {
  name: 'RunEventType',
  description: 'What an event tells.',
  valuesConfig: {
    STATE_CHANGED: { description: 'The run moved to another state.' },
    TASK_STARTED: { description: 'A worker began an attempt at a task.' },
    TASK_PROGRESS: { description: 'A task got further.' },
    TASK_SUCCEEDED: { description: 'A task is done.' },
    ATTEMPT_ENDED: { description: 'An attempt ended without a result.' },
  },
});

@InterfaceType({
  description: 'An entry of the event log of a run.',
  resolveType: (event: RunEvent) => CLASSES[event.type],
})
export abstract class RunEvent {
  @Field(() => Int, {
    description: 'From 1 on, without gaps within a run, until `gc` removes its progress a month after its end.',
  })
  sequence!: number;

  @Field(() => RunEventType)
  type!: StoredRunEvent['payload']['type'];

  @Field(() => Date)
  createdAt!: Date;
}

@ObjectType({ simpleResolvers: true, implements: RunEvent, description: 'The run entered another state.' })
export class RunStateChanged extends RunEvent {
  @Field(() => RunState, { nullable: true, description: 'Null for the first event.' })
  from!: RunState | null;

  @Field(() => RunState)
  to!: RunState;

  @Field(() => Failure, { nullable: true, description: 'Why, when it failed or was cancelled.' })
  failure!: Failure | null;
}

@InterfaceType({
  implements: RunEvent,
  description: 'An event of one task.',
  resolveType: (e: RunEvent) => CLASSES[e.type],
})
export abstract class RunTaskEvent extends RunEvent {
  @Field(() => ID)
  taskId!: string;

  @Field(() => TaskKind)
  kind!: TaskKind;

  @Field(() => Int, { description: 'Position among the tasks of its kind.' })
  index!: number;
}

@ObjectType({
  simpleResolvers: true,
  implements: RunTaskEvent,
  description: 'A worker took a task, from the beginning or from a checkpoint.',
})
export class RunTaskStarted extends RunTaskEvent {
  @Field(() => Int)
  attempt!: number;

  @Field(() => ID, { nullable: true })
  workerId!: string | null;

  @Field(() => Int, { description: 'The step of the checkpoint it goes on from; 0 for a fresh start.' })
  fromStep!: number;
}

@ObjectType({
  simpleResolvers: true,
  implements: RunTaskEvent,
  description: 'How far a task is.',
})
export class RunTaskProgress extends RunTaskEvent {
  @Field(() => Int)
  step!: number;

  @Field(() => Int)
  totalSteps!: number;

  @Field(() => Float, { nullable: true, description: 'Null for tasks that minimise nothing.' })
  loss!: number | null;
}

@ObjectType({ simpleResolvers: true, implements: RunTaskEvent, description: 'A task has its result.' })
export class RunTaskSucceeded extends RunTaskEvent {}

@ObjectType({
  simpleResolvers: true,
  implements: RunTaskEvent,
  description: 'An attempt at a task ended without a result; another one may follow.',
})
export class RunAttemptEnded extends RunTaskEvent {
  @Field(() => Int)
  attempt!: number;

  @Field(() => String, { description: 'How it ended: FAILED, CANCELED, DRAINED or LOST.' })
  outcome!: string;

  @Field(() => String)
  reason!: string;
}

const CLASSES: Record<StoredRunEvent['payload']['type'], string> = {
  STATE_CHANGED: 'RunStateChanged',
  TASK_STARTED: 'RunTaskStarted',
  TASK_PROGRESS: 'RunTaskProgress',
  TASK_SUCCEEDED: 'RunTaskSucceeded',
  ATTEMPT_ENDED: 'RunAttemptEnded',
};

/** Classes that the schema reaches only through their interface. */
export const RUN_EVENT_CLASSES = [RunStateChanged, RunTaskStarted, RunTaskProgress, RunTaskSucceeded, RunAttemptEnded];

/** The GraphQL object of a stored event. */
export function toRunEvent({ sequence, createdAt, payload }: StoredRunEvent): RunEvent {
  return { sequence, createdAt, ...withGlobalIds(payload) };
}

function withGlobalIds(payload: StoredRunEvent['payload']) {
  if (payload.type === 'STATE_CHANGED')
    return { ...payload, failure: payload.failure && toFailureType(payload.failure) };
  const taskId = toGlobalId('Task', payload.taskId);
  if (payload.type !== 'TASK_STARTED') return { ...payload, taskId };
  return { ...payload, taskId, workerId: payload.workerId && toGlobalId('Worker', payload.workerId) };
}
