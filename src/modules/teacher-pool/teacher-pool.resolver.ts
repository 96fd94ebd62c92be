import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { RequestContext } from '../context.js';
import { Dataset } from '../dataset/dataset.type.js';
import { DistillationRun, DistillationRuns } from '../distillation-run/distillation-run.type.js';
import { nestedConnection } from '../kit/batch.js';
import { Reads } from '../kit/columns.js';
import { type Connection, listComplexity, pageComplexity } from '../kit/connection.js';
import { toPayload } from '../kit/mutation.js';
import type { PageArguments } from '../kit/paging.js';
import { Progress, progressOf } from '../kit/progress.js';
import { accuracyCurves } from './accuracy-curves.js';
import {
  TeacherPoolCancelInput,
  TeacherPoolCancelPayload,
  TeacherPoolFilter,
  TeacherPoolTrainInput,
  TeacherPoolTrainPayload,
  TeacherPoolUpdateInput,
  TeacherPoolUpdatePayload,
} from './teacher-pool.input.js';
import { AccuracyCurve, Teacher, TeacherPool, TeacherPools, Teachers } from './teacher-pool.type.js';

@Resolver(() => TeacherPool)
export class TeacherPoolResolver {
  @Reads()
  @Query(() => TeacherPool, { nullable: true, description: 'Null where there is none.' })
  teacherPool(@Arg('id', () => ID) id: string, @Ctx() context: RequestContext): Promise<TeacherPool | null> {
    return context.services.nodes.get(context, 'TeacherPool', id);
  }

  @Reads()
  @Query(() => TeacherPools.Connection, { complexity: pageComplexity, description: 'Teacher pools of the project.' })
  teacherPools(
    @Args(() => TeacherPools.Arguments) page: PageArguments,
    @Arg('filter', () => TeacherPoolFilter, { nullable: true }) filter: TeacherPoolFilter | null,
    @Ctx() context: RequestContext,
  ): Promise<Connection<TeacherPool>> {
    return context.services.teacherPools.list(context, filter, page);
  }

  @Mutation(() => TeacherPoolTrainPayload, { description: 'Registers a pool and has a worker train it.' })
  async teacherPoolTrain(
    @Arg('input', () => TeacherPoolTrainInput) input: TeacherPoolTrainInput,
    @Ctx() context: RequestContext,
  ): Promise<TeacherPoolTrainPayload> {
    const { result, ...payload } = await toPayload(input, () => context.services.teacherPools.train(context, input));
    return { teacherPool: context.services.nodes.reload(context, 'TeacherPool', result), ...payload };
  }

  @Mutation(() => TeacherPoolCancelPayload, {
    description: 'Cancels a training. One that is canceled already stays so.',
  })
  async teacherPoolCancel(
    @Arg('input', () => TeacherPoolCancelInput) input: TeacherPoolCancelInput,
    @Ctx() context: RequestContext,
  ): Promise<TeacherPoolCancelPayload> {
    const { result, ...payload } = await toPayload(input, () => context.services.teacherPools.cancel(context, input));
    return { teacherPool: context.services.nodes.reload(context, 'TeacherPool', result), ...payload };
  }

  @Mutation(() => TeacherPoolUpdatePayload, { description: 'Changes what people call a pool.' })
  async teacherPoolUpdate(
    @Arg('input', () => TeacherPoolUpdateInput) input: TeacherPoolUpdateInput,
    @Ctx() context: RequestContext,
  ): Promise<TeacherPoolUpdatePayload> {
    const { result, ...payload } = await toPayload(input, () => context.services.teacherPools.update(context, input));
    return { teacherPool: context.services.nodes.reload(context, 'TeacherPool', result), ...payload };
  }

  @Reads('datasetId')
  @FieldResolver(() => Dataset)
  dataset(@Root() pool: TeacherPool, @Ctx() context: RequestContext): Promise<Dataset> {
    return context.services.nodes.related(context, 'Dataset', pool.datasetId);
  }

  @Reads()
  @FieldResolver(() => Teachers.Connection, { complexity: pageComplexity })
  teachers(
    @Root() pool: TeacherPool,
    @Args(() => Teachers.Arguments) page: PageArguments,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<Teacher>> {
    return nestedConnection(loaders.teachersOfPool, pool.id, page);
  }

  @FieldResolver(() => [AccuracyCurve], {
    complexity: listComplexity(10),
    description: 'The accuracy of every base run by epoch, at the epochs at which it was kept.',
  })
  async accuracyByEpoch(@Root() pool: TeacherPool, @Ctx() { loaders }: RequestContext): Promise<AccuracyCurve[]> {
    return accuracyCurves(pool, await loaders.allTeachersOfPool.load(pool.id));
  }

  @Reads()
  @FieldResolver(() => DistillationRuns.Connection, { complexity: pageComplexity })
  distillationRuns(
    @Root() pool: TeacherPool,
    @Args(() => DistillationRuns.Arguments) page: PageArguments,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<DistillationRun>> {
    return nestedConnection(loaders.runsOfPool, pool.id, page);
  }

  @Reads('state')
  @FieldResolver(() => Progress, { description: 'How far the training is.' })
  async progress(@Root() pool: TeacherPool, @Ctx() { loaders }: RequestContext): Promise<Progress> {
    return progressOf(await loaders.tasksOfPool.load(pool.id), pool.state === 'READY');
  }
}

@Resolver(() => Teacher)
export class TeacherResolver {
  @Reads('poolId')
  @FieldResolver(() => TeacherPool)
  pool(@Root() teacher: Teacher, @Ctx() context: RequestContext): Promise<TeacherPool> {
    return context.services.nodes.related(context, 'TeacherPool', teacher.poolId);
  }
}
