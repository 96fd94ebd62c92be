import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import { WorkerState } from '../../platform/database/generated/enums.js';
import { CREATED_AT, defineList } from '../kit/connection.js';
import { Node } from '../kit/node.js';
import { ByteSize } from '../kit/scalars.js';

registerEnumType(WorkerState, {
  name: 'WorkerState',
  description: 'What a worker says of itself; one whose heartbeat is old says nothing any more.',
  valuesConfig: {
    IDLE: { description: 'Waits for a task.' },
    BUSY: { description: 'Computes a task.' },
    DRAINING: { description: 'Hands its task back and stops.' },
    STOPPED: { description: 'Has ended in good order.' },
  },
});

@ObjectType({
  simpleResolvers: true,
  implements: Node,
  description: 'A process that computes tasks. Every start is a worker of its own.',
})
export class Worker extends Node {
  readonly typeName = 'Worker';

  @Field(() => String)
  name!: string;

  @Field(() => String)
  hostname!: string;

  @Field(() => WorkerState)
  state!: WorkerState;

  @Field(() => String, { description: 'What it computes on, as its TensorFlow names it.' })
  device!: string;

  @Field(() => ByteSize, { nullable: true, description: 'Null where it is not known.' })
  deviceMemoryBytes!: bigint | null;

  @Field(() => String)
  tensorflowVersion!: string;

  @Field(() => Date)
  startedAt!: Date;

  @Field(() => Date)
  heartbeatAt!: Date;

  @Field(() => Date)
  createdAt!: Date;
}

@ObjectType({
  simpleResolvers: true,
  description: 'Something that workers compute on, as long as one of them is alive.',
})
export class Device {
  @Field(() => String)
  hostname!: string;

  @Field(() => String, { description: 'As TensorFlow names it.' })
  device!: string;

  @Field(() => ByteSize, { nullable: true, description: 'Null where it is not known.' })
  memoryBytes!: bigint | null;

  @Field(() => Int, { description: 'How many workers are alive on it.' })
  workers!: number;

  @Field(() => Int, { description: 'How many of them compute.' })
  busy!: number;
}

export const Workers = defineList(Worker, { table: 'Worker', sorts: { CREATED_AT } });
