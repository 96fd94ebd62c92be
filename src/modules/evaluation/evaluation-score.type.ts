import { Field, Int, ObjectType } from 'type-graphql';
import { LabelKind } from '../../platform/database/generated/enums.js';
import type { BestEvaluation } from './evaluation.repository.js';
import { Spread } from './evaluation.type.js';

@ObjectType({
  simpleResolvers: true,
  description: 'What an evaluation found of the set itself with one kind of label.',
})
export class EvaluationScore {
  @Field(() => LabelKind)
  labelKind!: LabelKind;

  @Field(() => Int, { description: 'How many seeds it is a mean over.' })
  seeds!: number;

  @Field(() => Spread, { description: 'Top-1 after the last step.' })
  top1Last!: Spread;

  evaluationId!: string;
}

/** Null where nothing was found. */
export const toScore = (best: BestEvaluation | undefined): EvaluationScore | null =>
  best
    ? Object.assign(new EvaluationScore(), {
        ...{ labelKind: best.labelKind, seeds: best.seeds, evaluationId: best.evaluationId },
        top1Last: { mean: best.mean, deviation: best.deviation },
      })
    : null;
