import { Arg, Args, Ctx, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { RequestContext } from '../context.js';
import { DistillationRun, DistillationRuns } from '../distillation-run/distillation-run.type.js';
import { nestedConnection } from '../kit/batch.js';
import { Reads } from '../kit/columns.js';
import { type Connection, pageComplexity } from '../kit/connection.js';
import { toPayload } from '../kit/mutation.js';
import { type PageArguments, requireFirst } from '../kit/paging.js';
import { Progress, progressOf } from '../kit/progress.js';
import { TeacherPool, TeacherPools } from '../teacher-pool/teacher-pool.type.js';
import {
  DatasetFilter,
  DatasetImportCancelInput,
  DatasetImportCancelPayload,
  DatasetImportInput,
  DatasetImportPayload,
  DatasetUpdateInput,
  DatasetUpdatePayload,
} from './dataset.input.js';
import { Dataset, Datasets, DuplicateImage, SkippedRecord } from './dataset.type.js';

@Resolver(() => Dataset)
export class DatasetResolver {
  @Reads()
  @Query(() => Dataset, { nullable: true, description: 'Null where there is none.' })
  dataset(@Arg('id', () => ID) id: string, @Ctx() context: RequestContext): Promise<Dataset | null> {
    return context.services.nodes.get(context, 'Dataset', id);
  }

  @Reads()
  @Query(() => Datasets.Connection, { complexity: pageComplexity, description: 'Datasets of the project.' })
  datasets(
    @Args(() => Datasets.Arguments) page: PageArguments,
    @Arg('filter', () => DatasetFilter, { nullable: true }) filter: DatasetFilter | null,
    @Ctx() context: RequestContext,
  ): Promise<Connection<Dataset>> {
    return context.services.datasets.list(context, filter, page);
  }

  @Mutation(() => DatasetImportPayload, { description: 'Registers a dataset and has a worker import its files.' })
  async datasetImport(
    @Arg('input', () => DatasetImportInput) input: DatasetImportInput,
    @Ctx() context: RequestContext,
  ): Promise<DatasetImportPayload> {
    const { result, ...payload } = await toPayload(input, () => context.services.datasets.import(context, input));
    return { dataset: context.services.nodes.reload(context, 'Dataset', result), ...payload };
  }

  @Mutation(() => DatasetImportCancelPayload, {
    description: 'Cancels an import: its dataset is FAILED. One that is canceled already stays so.',
  })
  async datasetImportCancel(
    @Arg('input', () => DatasetImportCancelInput) input: DatasetImportCancelInput,
    @Ctx() context: RequestContext,
  ): Promise<DatasetImportCancelPayload> {
    const { result, ...payload } = await toPayload(input, () => context.services.datasets.cancelImport(context, input));
    return { dataset: context.services.nodes.reload(context, 'Dataset', result), ...payload };
  }

  @Mutation(() => DatasetUpdatePayload, { description: 'Changes what people call a dataset.' })
  async datasetUpdate(
    @Arg('input', () => DatasetUpdateInput) input: DatasetUpdateInput,
    @Ctx() context: RequestContext,
  ): Promise<DatasetUpdatePayload> {
    const { result, ...payload } = await toPayload(input, () => context.services.datasets.update(context, input));
    return { dataset: context.services.nodes.reload(context, 'Dataset', result), ...payload };
  }

  @Reads()
  @FieldResolver(() => TeacherPools.Connection, { complexity: pageComplexity })
  teacherPools(
    @Root() dataset: Dataset,
    @Args(() => TeacherPools.Arguments) page: PageArguments,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<TeacherPool>> {
    return nestedConnection(loaders.teacherPoolsOfDataset, dataset.id, page);
  }

  @Reads()
  @FieldResolver(() => DistillationRuns.Connection, { complexity: pageComplexity })
  distillationRuns(
    @Root() dataset: Dataset,
    @Args(() => DistillationRuns.Arguments) page: PageArguments,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<DistillationRun>> {
    return nestedConnection(loaders.runsOfDataset, dataset.id, page);
  }

  @Reads()
  @FieldResolver(() => [SkippedRecord], {
    complexity: pageComplexity,
    description: 'What of the source was left out, and why.',
  })
  async skippedRecords(
    @Root() dataset: Dataset,
    @Arg('first', () => Int, { defaultValue: 100 }) first: number,
    @Ctx() { loaders }: RequestContext,
  ): Promise<SkippedRecord[]> {
    return loaders.skippedRecordsOfDataset.load({ datasetId: dataset.id, first: requireFirst(first, 0) });
  }

  @Reads()
  @FieldResolver(() => [DuplicateImage], {
    complexity: pageComplexity,
    description: 'Images that are there more than once.',
  })
  async duplicates(
    @Root() dataset: Dataset,
    @Arg('first', () => Int, { defaultValue: 100 }) first: number,
    @Ctx() { loaders }: RequestContext,
  ): Promise<DuplicateImage[]> {
    return loaders.duplicatesOfDataset.load({ datasetId: dataset.id, first: requireFirst(first, 0) });
  }

  @Reads('state')
  @FieldResolver(() => Progress, { description: 'How far the import is.' })
  async progress(@Root() dataset: Dataset, @Ctx() { loaders }: RequestContext): Promise<Progress> {
    return progressOf(await loaders.tasksOfDataset.load(dataset.id), dataset.state === 'READY');
  }
}
