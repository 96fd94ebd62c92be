import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { RequestContext } from '../context.js';
import { DistilledSet } from '../distilled-set/distilled-set.type.js';
import { Reads } from '../kit/columns.js';
import { type Connection, listComplexity, pageComplexity } from '../kit/connection.js';
import { toPayload } from '../kit/mutation.js';
import type { PageArguments } from '../kit/paging.js';
import { Progress, progressOf } from '../kit/progress.js';
import {
  EvaluationCancelInput,
  EvaluationCancelPayload,
  EvaluationFilter,
  EvaluationStartInput,
  EvaluationStartPayload,
} from './evaluation.input.js';
import {
  Evaluation,
  EvaluationComparison,
  EvaluationResult,
  EvaluationSummary,
  Evaluations,
  Ranking,
} from './evaluation.type.js';
import { EvaluationScore } from './evaluation-score.type.js';
import { compare, rank, summarize } from './summary.js';

@Resolver(() => EvaluationScore)
export class EvaluationScoreResolver {
  @Reads()
  @FieldResolver(() => Evaluation)
  evaluation(@Root() score: EvaluationScore, @Ctx() context: RequestContext): Promise<Evaluation> {
    return context.services.nodes.related(context, 'Evaluation', score.evaluationId);
  }
}

@Resolver(() => Evaluation)
export class EvaluationResolver {
  @Reads()
  @Query(() => Evaluation, { nullable: true, description: 'Null where there is none.' })
  evaluation(@Arg('id', () => ID) id: string, @Ctx() context: RequestContext): Promise<Evaluation | null> {
    return context.services.nodes.get(context, 'Evaluation', id);
  }

  @Reads()
  @Query(() => Evaluations.Connection, {
    complexity: pageComplexity,
    description: "Evaluations of the project's sets.",
  })
  evaluations(
    @Args(() => Evaluations.Arguments) page: PageArguments,
    @Arg('filter', () => EvaluationFilter, { nullable: true }) filter: EvaluationFilter | null,
    @Ctx() context: RequestContext,
  ): Promise<Connection<Evaluation>> {
    return context.services.evaluations.list(context, filter, page);
  }

  @Mutation(() => EvaluationStartPayload, { description: 'Has workers train students on a set and on its baselines.' })
  async evaluationStart(
    @Arg('input', () => EvaluationStartInput) input: EvaluationStartInput,
    @Ctx() context: RequestContext,
  ): Promise<EvaluationStartPayload> {
    const { result, ...payload } = await toPayload(input, () => context.services.evaluations.start(context, input));
    return { evaluation: context.services.nodes.reload(context, 'Evaluation', result), ...payload };
  }

  @Mutation(() => EvaluationCancelPayload, {
    description: 'Cancels an evaluation. One that is canceled already stays so.',
  })
  async evaluationCancel(
    @Arg('input', () => EvaluationCancelInput) input: EvaluationCancelInput,
    @Ctx() context: RequestContext,
  ): Promise<EvaluationCancelPayload> {
    const { result, ...payload } = await toPayload(input, () => context.services.evaluations.cancel(context, input));
    return { evaluation: context.services.nodes.reload(context, 'Evaluation', result), ...payload };
  }

  @Reads('distilledSetId')
  @FieldResolver(() => DistilledSet)
  distilledSet(@Root() evaluation: Evaluation, @Ctx() context: RequestContext): Promise<DistilledSet> {
    return context.services.nodes.related(context, 'DistilledSet', evaluation.distilledSetId);
  }

  @Reads()
  @FieldResolver(() => [EvaluationResult], { complexity: listComplexity(20), description: 'One a trained student.' })
  results(@Root() evaluation: Evaluation, @Ctx() { loaders }: RequestContext): Promise<EvaluationResult[]> {
    return loaders.resultsOfEvaluation.load(evaluation.id);
  }

  @Reads()
  @FieldResolver(() => [EvaluationSummary], {
    complexity: listComplexity(4),
    description: 'Mean and deviation over the seeds that are in, per subject and kind of label.',
  })
  async summary(@Root() evaluation: Evaluation, @Ctx() { loaders }: RequestContext): Promise<EvaluationSummary[]> {
    return summarize(await loaders.resultsOfEvaluation.load(evaluation.id));
  }

  @Reads()
  @FieldResolver(() => [EvaluationComparison], {
    complexity: listComplexity(2),
    description: 'The set against its baselines, with the spread of the difference.',
  })
  async comparisons(
    @Root() evaluation: Evaluation,
    @Ctx() { loaders }: RequestContext,
  ): Promise<EvaluationComparison[]> {
    return compare(await loaders.resultsOfEvaluation.load(evaluation.id));
  }

  @Reads()
  @FieldResolver(() => Ranking, { description: 'The set in the measures of DD-Ranking.' })
  async ranking(@Root() evaluation: Evaluation, @Ctx() { loaders }: RequestContext): Promise<Ranking> {
    return rank(await loaders.resultsOfEvaluation.load(evaluation.id));
  }

  @Reads('state')
  @FieldResolver(() => Progress, { description: 'How far the training of the students is.' })
  async progress(@Root() evaluation: Evaluation, @Ctx() { loaders }: RequestContext): Promise<Progress> {
    return progressOf(await loaders.tasksOfEvaluation.load(evaluation.id), evaluation.state === 'SUCCEEDED');
  }
}
