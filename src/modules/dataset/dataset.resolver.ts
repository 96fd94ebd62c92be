import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { RequestContext } from '../context.js';
import { DistillationRun, DistillationRunConnection } from '../distillation-run/distillation-run.type.js';
import { nestedConnection } from '../kit/batch.js';
import { type Connection, ConnectionArgs, pageComplexity } from '../kit/connection.js';
import { toPayload } from '../kit/mutation.js';
import { Progress, progressOf } from '../kit/progress.js';
import { TeacherPool, TeacherPoolConnection } from '../teacher-pool/teacher-pool.type.js';
import { DatasetFilter, DatasetImportInput, DatasetImportPayload } from './dataset.input.js';
import { Dataset, DatasetConnection } from './dataset.type.js';

@Resolver(() => Dataset)
export class DatasetResolver {
  @Query(() => Dataset, { nullable: true, description: 'Null where there is none.' })
  dataset(@Arg('id', () => ID) id: string, @Ctx() context: RequestContext): Promise<Dataset | null> {
    return context.services.nodes.get(context, 'Dataset', id);
  }

  @Query(() => DatasetConnection, { complexity: pageComplexity })
  datasets(
    @Args(() => ConnectionArgs) page: ConnectionArgs,
    @Arg('filter', () => DatasetFilter, { nullable: true }) filter: DatasetFilter | null,
    @Ctx() { services, viewer }: RequestContext,
  ): Promise<Connection<Dataset>> {
    return services.datasets.list(viewer, filter, page);
  }

  @Mutation(() => DatasetImportPayload, { description: 'Registers a dataset and has a worker import its files.' })
  async datasetImport(
    @Arg('input', () => DatasetImportInput) input: DatasetImportInput,
    @Ctx() context: RequestContext,
  ): Promise<DatasetImportPayload> {
    const { result, ...payload } = await toPayload(input, () => context.services.datasets.import(context, input));
    return { dataset: await context.services.nodes.reload(context, 'Dataset', result), ...payload };
  }

  @FieldResolver(() => TeacherPoolConnection, { complexity: pageComplexity })
  teacherPools(
    @Root() dataset: Dataset,
    @Args(() => ConnectionArgs) page: ConnectionArgs,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<TeacherPool>> {
    return nestedConnection(TeacherPool, loaders.teacherPoolsOfDataset, dataset.id, page);
  }

  @FieldResolver(() => DistillationRunConnection, { complexity: pageComplexity })
  distillationRuns(
    @Root() dataset: Dataset,
    @Args(() => ConnectionArgs) page: ConnectionArgs,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<DistillationRun>> {
    return nestedConnection(DistillationRun, loaders.runsOfDataset, dataset.id, page);
  }

  @FieldResolver(() => Progress, { description: 'How far the import is.' })
  async progress(@Root() dataset: Dataset, @Ctx() { loaders }: RequestContext): Promise<Progress> {
    return progressOf(await loaders.tasksOfDataset.load(dataset.id), dataset.state === 'READY');
  }
}
