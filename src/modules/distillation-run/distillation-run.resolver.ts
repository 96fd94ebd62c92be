import { Arg, Args, Ctx, FieldResolver, ID, Int, Query, Resolver, Root, Subscription } from 'type-graphql';
import type { StoredRunEvent } from '../../platform/events/stored-event.js';
import type { RequestContext } from '../context.js';
import { Dataset } from '../dataset/dataset.type.js';
import { DistilledSet } from '../distilled-set/distilled-set.type.js';
import { EvaluationScore } from '../evaluation/evaluation-score.type.js';
import { nestedConnection } from '../kit/batch.js';
import { Reads } from '../kit/columns.js';
import { type Connection, pageComplexity } from '../kit/connection.js';
import { fromRow } from '../kit/node.js';
import { type PageArguments, requireFirst } from '../kit/paging.js';
import { Progress, progressOf } from '../kit/progress.js';
import { Task, Tasks } from '../task/task.type.js';
import { TeacherPool } from '../teacher-pool/teacher-pool.type.js';
import { DistillationRun, DistillationRuns } from './distillation-run.type.js';
import { phaseOf } from './phase.js';
import { RunConfig } from './run-config.type.js';
import { RunOrigin } from './run-copies.type.js';
import { RunEvent, toRunEvent } from './run-event.type.js';
import { DistillationRunFilter } from './run-filter.input.js';

@Resolver(() => DistillationRun)
export class DistillationRunResolver {
  @Reads()
  @Query(() => DistillationRun, { nullable: true, description: 'Null where there is none.' })
  distillationRun(@Arg('id', () => ID) id: string, @Ctx() context: RequestContext): Promise<DistillationRun | null> {
    return context.services.nodes.get(context, 'DistillationRun', id);
  }

  @Reads()
  @Query(() => DistillationRuns.Connection, {
    complexity: pageComplexity,
    description: 'Distillation runs of the project.',
  })
  distillationRuns(
    @Args(() => DistillationRuns.Arguments) page: PageArguments,
    @Arg('filter', () => DistillationRunFilter, { nullable: true }) filter: DistillationRunFilter | null,
    @Ctx() context: RequestContext,
  ): Promise<Connection<DistillationRun>> {
    return context.services.distillationRuns.list(context, filter, page);
  }

  @Subscription(() => RunEvent, {
    description: 'The events of a run after a sequence: those that have been, then those to come. Ends with the run.',
    subscribe: ({ args, context }: { args: unknown; context: RequestContext }) => {
      const { runId, afterSequence } = args as { runId: string; afterSequence: number };
      return context.services.distillationRuns.follow(context.viewer, runId, afterSequence);
    },
  })
  runEvents(
    @Arg('runId', () => ID) _runId: string,
    @Arg('afterSequence', () => Int, { defaultValue: 0, description: '0: from the beginning.' }) _afterSequence: number,
    @Root() event: StoredRunEvent,
  ): RunEvent {
    return toRunEvent(event);
  }

  @Reads()
  @FieldResolver(() => [RunEvent], {
    description: 'The stream of `runEvents` as pages: ask again after the last sequence that you have.',
    complexity: pageComplexity,
  })
  async events(
    @Root() run: DistillationRun,
    @Arg('after', () => Int, { defaultValue: 0, description: 'Only events after this sequence.' }) after: number,
    @Arg('first', () => Int, { defaultValue: 100 }) first: number,
    @Ctx() { loaders }: RequestContext,
  ): Promise<RunEvent[]> {
    return (await loaders.eventsOfRun.load({ runId: run.id, after, first: requireFirst(first, 1) })).map(toRunEvent);
  }

  @Reads()
  @FieldResolver(() => RunConfig.output, { description: 'With all defaults filled in.' })
  async config(@Root() run: DistillationRun, @Ctx() { loaders }: RequestContext): Promise<object> {
    return (await loaders.configOfRun.load(run.id))!.config;
  }

  @Reads('datasetId')
  @FieldResolver(() => Dataset)
  dataset(@Root() run: DistillationRun, @Ctx() context: RequestContext): Promise<Dataset> {
    return context.services.nodes.related(context, 'Dataset', run.datasetId);
  }

  @Reads('poolId')
  @FieldResolver(() => TeacherPool)
  teacherPool(@Root() run: DistillationRun, @Ctx() context: RequestContext): Promise<TeacherPool> {
    return context.services.nodes.related(context, 'TeacherPool', run.poolId);
  }

  @Reads()
  @FieldResolver(() => DistilledSet, { nullable: true, description: 'Null until the run has succeeded.' })
  async distilledSet(@Root() run: DistillationRun, @Ctx() { loaders }: RequestContext): Promise<DistilledSet | null> {
    const [row] = await loaders.setsOfRun.load(run.id);
    return row ? fromRow(DistilledSet, row) : null;
  }

  @Reads()
  @FieldResolver(() => Tasks.Connection, { complexity: pageComplexity })
  tasks(
    @Root() run: DistillationRun,
    @Args(() => Tasks.Arguments) page: PageArguments,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<Task>> {
    return nestedConnection(loaders.taskPagesOfRun, run.id, page);
  }

  @Reads('originRunId', 'originKind')
  @FieldResolver(() => RunOrigin, { nullable: true, description: 'Null for a run that was started by itself.' })
  async origin(@Root() run: DistillationRun, @Ctx() context: RequestContext): Promise<RunOrigin | null> {
    const source = await context.services.nodes.relatedOrNull(context, 'DistillationRun', run.originRunId);
    return source && run.originKind && { kind: run.originKind, distillationRun: source };
  }

  @Reads()
  @FieldResolver(() => DistillationRuns.Connection, {
    complexity: pageComplexity,
    description: 'The clones and retries of this run.',
  })
  derivedRuns(
    @Root() run: DistillationRun,
    @Args(() => DistillationRuns.Arguments) page: PageArguments,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<DistillationRun>> {
    return nestedConnection(loaders.derivedRunsOfRun, run.id, page);
  }

  @Reads()
  @FieldResolver(() => EvaluationScore, {
    nullable: true,
    description: 'The largest mean accuracy that an evaluation of its set has found; null where there is none.',
  })
  bestEvaluation(@Root() run: DistillationRun, @Ctx() { loaders }: RequestContext): Promise<EvaluationScore | null> {
    return loaders.bestEvaluationOfRun.load(run.id);
  }

  @Reads('state')
  @FieldResolver(() => Progress, { description: 'How far the present phase is; `state` names it.' })
  async progress(@Root() run: DistillationRun, @Ctx() { loaders }: RequestContext): Promise<Progress> {
    const group = await loaders.progressOfRun.load({ id: run.id, kind: phaseOf(run.state) });
    return progressOf(group ? [group] : [], run.state === 'SUCCEEDED');
  }
}
