import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { RequestContext } from '../context.js';
import { GRACE } from '../kit/grace.js';
import { toPayload } from '../kit/mutation.js';
import {
  DatasetRetentionPayload,
  DistilledSetRetentionPayload,
  RetentionInput,
  TeacherPoolRetentionPayload,
} from './retention.input.js';
import type { RetentionService } from './retention.service.js';

@Resolver()
export class RetentionResolver {
  @Mutation(() => DistilledSetRetentionPayload, {
    description: `Deletes a set that is ARCHIVED, with its labels, evaluations and tokens: it is not served any more. ${GRACE}`,
  })
  distilledSetDelete(
    @Arg('input', () => RetentionInput) input: RetentionInput,
    @Ctx() context: RequestContext,
  ): Promise<DistilledSetRetentionPayload> {
    return changeSet(context, input, 'deleteSet');
  }

  @Mutation(() => DistilledSetRetentionPayload, {
    description:
      'Takes back that a set was archived or deleted; of what it stands on (run, pool, dataset), that it was deleted.',
  })
  distilledSetRestore(
    @Arg('input', () => RetentionInput) input: RetentionInput,
    @Ctx() context: RequestContext,
  ): Promise<DistilledSetRetentionPayload> {
    return changeSet(context, input, 'restoreSet');
  }

  @Mutation(() => TeacherPoolRetentionPayload, {
    description: `Deletes a pool that has ended, with its teachers, where no run uses it but deleted ones: nothing new can be started on it. ${GRACE}`,
  })
  teacherPoolDelete(
    @Arg('input', () => RetentionInput) input: RetentionInput,
    @Ctx() context: RequestContext,
  ): Promise<TeacherPoolRetentionPayload> {
    return changePool(context, input, 'deletePool');
  }

  @Mutation(() => TeacherPoolRetentionPayload, {
    description: 'Takes back that a pool was deleted, and its dataset with it.',
  })
  teacherPoolRestore(
    @Arg('input', () => RetentionInput) input: RetentionInput,
    @Ctx() context: RequestContext,
  ): Promise<TeacherPoolRetentionPayload> {
    return changePool(context, input, 'restorePool');
  }

  @Mutation(() => DatasetRetentionPayload, { description: 'Nothing new can be started on it. What there is goes on.' })
  datasetArchive(
    @Arg('input', () => RetentionInput) input: RetentionInput,
    @Ctx() context: RequestContext,
  ): Promise<DatasetRetentionPayload> {
    return changeDataset(context, input, 'archiveDataset');
  }

  @Mutation(() => DatasetRetentionPayload, {
    description: `Deletes a dataset that is archived, and that no pool or run uses but deleted ones. ${GRACE}`,
  })
  datasetDelete(
    @Arg('input', () => RetentionInput) input: RetentionInput,
    @Ctx() context: RequestContext,
  ): Promise<DatasetRetentionPayload> {
    return changeDataset(context, input, 'deleteDataset');
  }

  @Mutation(() => DatasetRetentionPayload, { description: 'Takes back that a dataset was archived or deleted.' })
  datasetRestore(
    @Arg('input', () => RetentionInput) input: RetentionInput,
    @Ctx() context: RequestContext,
  ): Promise<DatasetRetentionPayload> {
    return changeDataset(context, input, 'restoreDataset');
  }
}

async function changeSet(
  context: RequestContext,
  input: RetentionInput,
  change: keyof RetentionService & `${string}Set`,
): Promise<DistilledSetRetentionPayload> {
  const { services } = context;
  const { result, ...payload } = await toPayload(input, () => services.retention[change](context, input.id));
  return { distilledSet: services.nodes.reload(context, 'DistilledSet', result), ...payload };
}

async function changePool(
  context: RequestContext,
  input: RetentionInput,
  change: keyof RetentionService & `${string}Pool`,
): Promise<TeacherPoolRetentionPayload> {
  const { services } = context;
  const { result, ...payload } = await toPayload(input, () => services.retention[change](context, input.id));
  return { teacherPool: services.nodes.reload(context, 'TeacherPool', result), ...payload };
}

async function changeDataset(
  context: RequestContext,
  input: RetentionInput,
  change: keyof RetentionService & `${string}Dataset`,
): Promise<DatasetRetentionPayload> {
  const { services } = context;
  const { result, ...payload } = await toPayload(input, () => services.retention[change](context, input.id));
  return { dataset: services.nodes.reload(context, 'Dataset', result), ...payload };
}
