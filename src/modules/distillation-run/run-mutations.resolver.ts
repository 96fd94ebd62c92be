import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { RequestContext } from '../context.js';
import { GRACE } from '../kit/grace.js';
import { type BulkResult, type MutationInput, toPayload } from '../kit/mutation.js';
import {
  DistillationRunCancelInput,
  DistillationRunCancelPayload,
  DistillationRunCloneInput,
  DistillationRunClonePayload,
  DistillationRunRetryInput,
  DistillationRunRetryPayload,
  DistillationRunStartInput,
  DistillationRunStartPayload,
  DistillationRunsInput,
  DistillationRunsLabelInput,
  DistillationRunsPayload,
  DistillationRunUpdateInput,
  DistillationRunUpdatePayload,
} from './distillation-run.input.js';

@Resolver()
export class RunMutationsResolver {
  @Mutation(() => DistillationRunStartPayload, {
    description: 'Distils a dataset with a pool of teachers.',
  })
  async distillationRunStart(
    @Arg('input', () => DistillationRunStartInput) input: DistillationRunStartInput,
    @Ctx() context: RequestContext,
  ): Promise<DistillationRunStartPayload> {
    return onePayload(context, input, () => context.services.distillationRuns.start(context, input));
  }

  @Mutation(() => DistillationRunClonePayload, {
    description: 'Starts a run with the content of another one, but for some changes.',
  })
  async distillationRunClone(
    @Arg('input', () => DistillationRunCloneInput) input: DistillationRunCloneInput,
    @Ctx() context: RequestContext,
  ): Promise<DistillationRunClonePayload> {
    return onePayload(context, input, () => context.services.distillationRuns.clone(context, input));
  }

  @Mutation(() => DistillationRunRetryPayload, {
    description:
      'Starts a run in the place of one that failed or was cancelled; it goes on from what that one had done.',
  })
  async distillationRunRetry(
    @Arg('input', () => DistillationRunRetryInput) input: DistillationRunRetryInput,
    @Ctx() context: RequestContext,
  ): Promise<DistillationRunRetryPayload> {
    return onePayload(context, input, () => context.services.distillationRuns.retry(context, input));
  }

  @Mutation(() => DistillationRunCancelPayload, {
    description: 'Cancels a run. One that is canceled already stays so.',
  })
  async distillationRunCancel(
    @Arg('input', () => DistillationRunCancelInput) input: DistillationRunCancelInput,
    @Ctx() context: RequestContext,
  ): Promise<DistillationRunCancelPayload> {
    return onePayload(context, input, () => context.services.runEdits.cancel(context, input));
  }

  @Mutation(() => DistillationRunUpdatePayload, {
    description: 'Changes what people call a run and write to it.',
  })
  async distillationRunUpdate(
    @Arg('input', () => DistillationRunUpdateInput) input: DistillationRunUpdateInput,
    @Ctx() context: RequestContext,
  ): Promise<DistillationRunUpdatePayload> {
    return onePayload(context, input, () => context.services.runEdits.update(context, input));
  }

  @Mutation(() => DistillationRunsPayload, {
    description: 'Cancels up to 100 runs. Those that are canceled already stay so.',
  })
  distillationRunsCancel(
    @Arg('input', () => DistillationRunsInput) input: DistillationRunsInput,
    @Ctx() context: RequestContext,
  ): Promise<DistillationRunsPayload> {
    return bulkPayload(context, input, () => context.services.runEdits.cancelAll(context, input));
  }

  @Mutation(() => DistillationRunsPayload, {
    description: 'Takes up to 100 runs that have ended out of the lists.',
  })
  distillationRunsArchive(
    @Arg('input', () => DistillationRunsInput) input: DistillationRunsInput,
    @Ctx() context: RequestContext,
  ): Promise<DistillationRunsPayload> {
    return bulkPayload(context, input, () => context.services.runEdits.archiveAll(context, input));
  }

  @Mutation(() => DistillationRunsPayload, {
    description:
      'Puts up to 100 runs back into the lists, be they archived or deleted; of what they stand on (pool, dataset), that it was deleted.',
  })
  distillationRunsUnarchive(
    @Arg('input', () => DistillationRunsInput) input: DistillationRunsInput,
    @Ctx() context: RequestContext,
  ): Promise<DistillationRunsPayload> {
    return bulkPayload(context, input, () => context.services.runEdits.unarchiveAll(context, input));
  }

  @Mutation(() => DistillationRunsPayload, {
    description: `Deletes up to 100 archived runs with their tasks, events and curves, where their sets are deleted or there is none. ${GRACE}`,
  })
  distillationRunsDelete(
    @Arg('input', () => DistillationRunsInput) input: DistillationRunsInput,
    @Ctx() context: RequestContext,
  ): Promise<DistillationRunsPayload> {
    return bulkPayload(context, input, () => context.services.runEdits.deleteAll(context, input));
  }

  @Mutation(() => DistillationRunsPayload, {
    description: 'Adds labels to up to 100 runs, and takes others away.',
  })
  distillationRunsLabel(
    @Arg('input', () => DistillationRunsLabelInput) input: DistillationRunsLabelInput,
    @Ctx() context: RequestContext,
  ): Promise<DistillationRunsPayload> {
    return bulkPayload(context, input, () => context.services.runEdits.labelAll(context, input));
  }
}

async function onePayload(context: RequestContext, input: MutationInput, act: () => Promise<string>) {
  const { result, ...payload } = await toPayload(input, act);
  return { distillationRun: context.services.nodes.reload(context, 'DistillationRun', result), ...payload };
}

async function bulkPayload(context: RequestContext, input: MutationInput, act: () => Promise<BulkResult[]>) {
  const { result, ...payload } = await toPayload(input, act);
  const results = (result ?? []).map(({ id, uuid, userErrors }) => ({
    ...{ id, userErrors },
    distillationRun: context.services.nodes.reload(context, 'DistillationRun', uuid),
  }));
  return { results, ...payload };
}
