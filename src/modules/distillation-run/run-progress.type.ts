import { Field, Int, ObjectType } from 'type-graphql';
import type { RunState as RunStateName } from '../../domain/run-lifecycle.js';
import { RunState } from '../../platform/database/generated/enums.js';
import { Progress } from '../kit/progress.js';

@ObjectType({ simpleResolvers: true, description: 'How far a run is at one moment.' })
export class RunProgress {
  @Field(() => RunState)
  state!: RunStateName;

  @Field(() => Progress, { description: 'Of the phase that `state` names.' })
  progress!: Progress;

  @Field(() => Int, { description: 'The event that it tells of last; `runEvents` goes on after it.' })
  sequence!: number;
}
