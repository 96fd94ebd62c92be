import { Arg, Args, Ctx, FieldResolver, Query, Resolver, Root } from 'type-graphql';
import type { RequestContext } from '../context.js';
import { DistillationRun } from '../distillation-run/distillation-run.type.js';
import { Reads } from '../kit/columns.js';
import { type Connection, listComplexity, pageComplexity } from '../kit/connection.js';
import type { PageArguments } from '../kit/paging.js';
import { Worker } from '../worker/worker.type.js';
import { QueueStatus } from './queue.type.js';
import { TaskFilter } from './task.input.js';
import { Task, TaskAttempt, Tasks } from './task.type.js';

@Resolver(() => Task)
export class TaskResolver {
  @Reads()
  @Query(() => Tasks.Connection, { complexity: pageComplexity, description: 'Of the whole project.' })
  tasks(
    @Args(() => Tasks.Arguments) page: PageArguments,
    @Arg('filter', () => TaskFilter, { nullable: true }) filter: TaskFilter | null,
    @Ctx() context: RequestContext,
  ): Promise<Connection<Task>> {
    return context.services.tasks.list(context, filter, page);
  }

  @Reads()
  @Query(() => QueueStatus, { description: 'How deep the queue is.', complexity: 20 })
  async queue(@Ctx() { services, viewer }: RequestContext): Promise<QueueStatus> {
    const kinds = await services.tasks.queue(viewer);
    const sum = (key: 'queued' | 'running') => kinds.reduce((total, kind) => total + kind[key], 0);
    return { queued: sum('queued'), running: sum('running'), kinds };
  }

  @Reads()
  @FieldResolver(() => [TaskAttempt], {
    complexity: listComplexity(3),
    description: 'By number. Every failure, lost worker and hand-back of a drained one leaves another.',
  })
  async attemptHistory(@Root() task: Task, @Ctx() { loaders }: RequestContext): Promise<TaskAttempt[]> {
    return (await loaders.attemptsOfTask.load(task.id)).map((row) => Object.assign(new TaskAttempt(), row));
  }

  @Reads('workerId')
  @FieldResolver(() => Worker, { nullable: true, description: 'Who computes it, or did so last.' })
  worker(@Root() task: Task, @Ctx() context: RequestContext): Promise<Worker | null> {
    return context.services.nodes.relatedOrNull(context, 'Worker', task.workerId);
  }

  @Reads('runId')
  @FieldResolver(() => DistillationRun, { nullable: true, description: 'Null for tasks that belong to no run.' })
  distillationRun(@Root() task: Task, @Ctx() context: RequestContext): Promise<DistillationRun | null> {
    return context.services.nodes.relatedOrNull(context, 'DistillationRun', task.runId);
  }
}

@Resolver(() => TaskAttempt)
export class TaskAttemptResolver {
  @FieldResolver(() => Worker, { nullable: true })
  worker(@Root() attempt: TaskAttempt, @Ctx() context: RequestContext): Promise<Worker | null> {
    return context.services.nodes.relatedOrNull(context, 'Worker', attempt.workerId);
  }
}
