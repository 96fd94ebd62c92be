import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { RequestContext } from '../context.js';
import { DistillationRun } from '../distillation-run/distillation-run.type.js';
import { Evaluation, EvaluationConnection } from '../evaluation/evaluation.type.js';
import { nestedConnection } from '../kit/batch.js';
import { type Connection, ConnectionArgs, listComplexity, pageComplexity } from '../kit/connection.js';
import { toPayload } from '../kit/mutation.js';
import { DistilledSetFilter, DistilledSetPublishInput, DistilledSetPublishPayload } from './distilled-set.input.js';
import { DistilledSet, DistilledSetConnection, DistilledShard, LabelSet } from './distilled-set.type.js';

@Resolver(() => DistilledSet)
export class DistilledSetResolver {
  @Query(() => DistilledSet, { nullable: true, description: 'Null where there is none.' })
  distilledSet(@Arg('id', () => ID) id: string, @Ctx() context: RequestContext): Promise<DistilledSet | null> {
    return context.services.nodes.get(context, 'DistilledSet', id);
  }

  @Query(() => DistilledSetConnection, { complexity: pageComplexity })
  distilledSets(
    @Args(() => ConnectionArgs) page: ConnectionArgs,
    @Arg('filter', () => DistilledSetFilter, { nullable: true }) filter: DistilledSetFilter | null,
    @Ctx() { services, viewer }: RequestContext,
  ): Promise<Connection<DistilledSet>> {
    return services.distilledSets.list(viewer, filter, page);
  }

  @Mutation(() => DistilledSetPublishPayload, { description: 'Verifies a set and serves it to trainers, immutable.' })
  async distilledSetPublish(
    @Arg('input', () => DistilledSetPublishInput) input: DistilledSetPublishInput,
    @Ctx() context: RequestContext,
  ): Promise<DistilledSetPublishPayload> {
    const { result, ...payload } = await toPayload(input, () => context.services.distilledSets.publish(context, input));
    return { distilledSet: await context.services.nodes.reload(context, 'DistilledSet', result), ...payload };
  }

  @FieldResolver(() => DistillationRun, { description: 'The run that made it.' })
  distillationRun(@Root() set: DistilledSet, @Ctx() context: RequestContext): Promise<DistillationRun> {
    return context.services.nodes.related(context, 'DistillationRun', set.runId);
  }

  @FieldResolver(() => [DistilledShard], { complexity: listComplexity(10) })
  shards(@Root() set: DistilledSet, @Ctx() { loaders }: RequestContext): Promise<DistilledShard[]> {
    return loaders.shardsOfSet.load(set.id);
  }

  @FieldResolver(() => [LabelSet], { complexity: listComplexity(2), description: 'At most one a mode.' })
  async labelSets(@Root() set: DistilledSet, @Ctx() { loaders }: RequestContext): Promise<LabelSet[]> {
    return (await loaders.labelSetsOfSet.load(set.id)).map((row) => Object.assign(new LabelSet(), row));
  }

  @FieldResolver(() => EvaluationConnection, { complexity: pageComplexity })
  evaluations(
    @Root() set: DistilledSet,
    @Args(() => ConnectionArgs) page: ConnectionArgs,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<Evaluation>> {
    return nestedConnection(Evaluation, loaders.evaluationsOfSet, set.id, page);
  }
}
