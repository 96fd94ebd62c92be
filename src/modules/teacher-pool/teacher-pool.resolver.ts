import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { RequestContext } from '../context.js';
import { Dataset } from '../dataset/dataset.type.js';
import { DistillationRun, DistillationRunConnection } from '../distillation-run/distillation-run.type.js';
import { nestedConnection } from '../kit/batch.js';
import { type Connection, ConnectionArgs, pageComplexity } from '../kit/connection.js';
import { toPayload } from '../kit/mutation.js';
import { Progress, progressOf } from '../kit/progress.js';
import { TeacherPoolFilter, TeacherPoolTrainInput, TeacherPoolTrainPayload } from './teacher-pool.input.js';
import { Teacher, TeacherConnection, TeacherPool, TeacherPoolConnection } from './teacher-pool.type.js';

@Resolver(() => TeacherPool)
export class TeacherPoolResolver {
  @Query(() => TeacherPool, { nullable: true, description: 'Null where there is none.' })
  teacherPool(@Arg('id', () => ID) id: string, @Ctx() context: RequestContext): Promise<TeacherPool | null> {
    return context.services.nodes.get(context, 'TeacherPool', id);
  }

  @Query(() => TeacherPoolConnection, { complexity: pageComplexity })
  teacherPools(
    @Args(() => ConnectionArgs) page: ConnectionArgs,
    @Arg('filter', () => TeacherPoolFilter, { nullable: true }) filter: TeacherPoolFilter | null,
    @Ctx() { services, viewer }: RequestContext,
  ): Promise<Connection<TeacherPool>> {
    return services.teacherPools.list(viewer, filter, page);
  }

  @Mutation(() => TeacherPoolTrainPayload, { description: 'Registers a pool and has a worker train it.' })
  async teacherPoolTrain(
    @Arg('input', () => TeacherPoolTrainInput) input: TeacherPoolTrainInput,
    @Ctx() context: RequestContext,
  ): Promise<TeacherPoolTrainPayload> {
    const { result, ...payload } = await toPayload(input, () => context.services.teacherPools.train(context, input));
    return { teacherPool: await context.services.nodes.reload(context, 'TeacherPool', result), ...payload };
  }

  @FieldResolver(() => Dataset)
  dataset(@Root() pool: TeacherPool, @Ctx() context: RequestContext): Promise<Dataset> {
    return context.services.nodes.related(context, 'Dataset', pool.datasetId);
  }

  @FieldResolver(() => TeacherConnection, { complexity: pageComplexity })
  teachers(
    @Root() pool: TeacherPool,
    @Args(() => ConnectionArgs) page: ConnectionArgs,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<Teacher>> {
    return nestedConnection(Teacher, loaders.teachersOfPool, pool.id, page);
  }

  @FieldResolver(() => DistillationRunConnection, { complexity: pageComplexity })
  distillationRuns(
    @Root() pool: TeacherPool,
    @Args(() => ConnectionArgs) page: ConnectionArgs,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<DistillationRun>> {
    return nestedConnection(DistillationRun, loaders.runsOfPool, pool.id, page);
  }

  @FieldResolver(() => Progress, { description: 'How far the training is.' })
  async progress(@Root() pool: TeacherPool, @Ctx() { loaders }: RequestContext): Promise<Progress> {
    return progressOf(await loaders.tasksOfPool.load(pool.id), pool.state === 'READY');
  }
}

@Resolver(() => Teacher)
export class TeacherResolver {
  @FieldResolver(() => TeacherPool)
  pool(@Root() teacher: Teacher, @Ctx() context: RequestContext): Promise<TeacherPool> {
    return context.services.nodes.related(context, 'TeacherPool', teacher.poolId);
  }
}
