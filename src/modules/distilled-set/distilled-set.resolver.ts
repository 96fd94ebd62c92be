import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { RequestContext } from '../context.js';
import { DistillationRun } from '../distillation-run/distillation-run.type.js';
import { Evaluation, Evaluations } from '../evaluation/evaluation.type.js';
import { nestedConnection } from '../kit/batch.js';
import { Reads } from '../kit/columns.js';
import { type Connection, listComplexity, pageComplexity } from '../kit/connection.js';
import { toPayload } from '../kit/mutation.js';
import { fromRow } from '../kit/node.js';
import type { PageArguments } from '../kit/paging.js';
import {
  DistilledSetFilter,
  DistilledSetPublishInput,
  DistilledSetPublishPayload,
  DistilledSetsArchiveInput,
  DistilledSetsArchivePayload,
} from './distilled-set.input.js';
import {
  DistilledSet,
  DistilledSets,
  DistilledShard,
  DistilledShards,
  LabelFile,
  LabelFiles,
  LabelSet,
  Lineage,
} from './distilled-set.type.js';
import { lineageOf } from './lineage.js';

@Resolver(() => DistilledSet)
export class DistilledSetResolver {
  @Reads()
  @Query(() => DistilledSet, { nullable: true, description: 'Null where there is none.' })
  distilledSet(@Arg('id', () => ID) id: string, @Ctx() context: RequestContext): Promise<DistilledSet | null> {
    return context.services.nodes.get(context, 'DistilledSet', id);
  }

  @Reads()
  @Query(() => DistilledSets.Connection, {
    complexity: pageComplexity,
    description: 'Distilled sets of the project.',
  })
  distilledSets(
    @Args(() => DistilledSets.Arguments) page: PageArguments,
    @Arg('filter', () => DistilledSetFilter, { nullable: true }) filter: DistilledSetFilter | null,
    @Ctx() context: RequestContext,
  ): Promise<Connection<DistilledSet>> {
    return context.services.distilledSets.list(context, filter, page);
  }

  @Mutation(() => DistilledSetPublishPayload, { description: 'Verifies a set and serves it to trainers, immutable.' })
  async distilledSetPublish(
    @Arg('input', () => DistilledSetPublishInput) input: DistilledSetPublishInput,
    @Ctx() context: RequestContext,
  ): Promise<DistilledSetPublishPayload> {
    const { result, ...payload } = await toPayload(input, () => context.services.distilledSets.publish(context, input));
    return { distilledSet: context.services.nodes.reload(context, 'DistilledSet', result), ...payload };
  }

  @Reads('runId')
  @FieldResolver(() => DistillationRun, { description: 'The run that made it.' })
  distillationRun(@Root() set: DistilledSet, @Ctx() context: RequestContext): Promise<DistillationRun> {
    return context.services.nodes.related(context, 'DistillationRun', set.runId);
  }

  @Mutation(() => DistilledSetsArchivePayload, {
    description: 'Offers up to 100 sets no longer, each by itself. They are still served.',
  })
  async distilledSetsArchive(
    @Arg('input', () => DistilledSetsArchiveInput) input: DistilledSetsArchiveInput,
    @Ctx() context: RequestContext,
  ): Promise<DistilledSetsArchivePayload> {
    const { services } = context;
    const { result, ...payload } = await toPayload(input, () => services.retention.archiveSets(context, input.ids));
    const results = (result ?? []).map(({ id, uuid, userErrors }) => ({
      ...{ id, userErrors },
      distilledSet: services.nodes.reload(context, 'DistilledSet', uuid),
    }));
    return { results, ...payload };
  }

  @Reads()
  @FieldResolver(() => DistilledShards.Connection, { complexity: pageComplexity })
  shards(
    @Root() set: DistilledSet,
    @Args(() => DistilledShards.Arguments) page: PageArguments,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<DistilledShard>> {
    return nestedConnection(loaders.shardsOfSet, set.id, page);
  }

  @FieldResolver(() => Lineage, { complexity: listComplexity(5), description: 'What it was made of.' })
  lineage(@Root() set: DistilledSet, @Ctx() context: RequestContext): Promise<Lineage> {
    return lineageOf(context, set);
  }

  @Reads()
  @FieldResolver(() => [LabelSet], { complexity: listComplexity(2), description: 'At most one a mode.' })
  async labelSets(@Root() set: DistilledSet, @Ctx() { loaders }: RequestContext): Promise<LabelSet[]> {
    return (await loaders.labelSetsOfSet.load(set.id)).map((row) => fromRow(LabelSet, row));
  }

  @Reads()
  @FieldResolver(() => Evaluations.Connection, { complexity: pageComplexity })
  evaluations(
    @Root() set: DistilledSet,
    @Args(() => Evaluations.Arguments) page: PageArguments,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<Evaluation>> {
    return nestedConnection(loaders.evaluationsOfSet, set.id, page);
  }
}

@Resolver(() => LabelSet)
export class LabelSetResolver {
  @Reads()
  @FieldResolver(() => LabelFiles.Connection, { complexity: pageComplexity })
  files(
    @Root() labels: LabelSet,
    @Args(() => LabelFiles.Arguments) page: PageArguments,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<LabelFile>> {
    return nestedConnection(loaders.filesOfLabelSet, labels.id, page);
  }
}
