import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import type { RequestContext } from '../context.js';
import { DistillationRun } from '../distillation-run/distillation-run.type.js';
import { Worker } from '../worker/worker.type.js';
import { Task } from './task.type.js';

@Resolver(() => Task)
export class TaskResolver {
  @FieldResolver(() => Worker, { nullable: true, description: 'Who computes it, or did so last.' })
  worker(@Root() task: Task, @Ctx() context: RequestContext): Promise<Worker | null> {
    return context.services.nodes.relatedOrNull(context, 'Worker', task.workerId);
  }

  @FieldResolver(() => DistillationRun, { nullable: true, description: 'Null for tasks that belong to no run.' })
  distillationRun(@Root() task: Task, @Ctx() context: RequestContext): Promise<DistillationRun | null> {
    return context.services.nodes.relatedOrNull(context, 'DistillationRun', task.runId);
  }
}
