import { Arg, Args, Ctx, FieldResolver, ID, Query, Resolver, Root } from 'type-graphql';
import type { RequestContext } from '../context.js';
import { Reads } from '../kit/columns.js';
import { type Connection, listComplexity, pageComplexity } from '../kit/connection.js';
import { fromRow } from '../kit/node.js';
import type { PageArguments } from '../kit/paging.js';
import { Task } from '../task/task.type.js';
import type { WatchedWorker } from './worker.repository.js';
import { Device, Worker, Workers } from './worker.type.js';

@Resolver(() => Worker)
export class WorkerResolver {
  @Reads()
  @Query(() => Worker, { nullable: true, description: 'Null where there is none.' })
  worker(@Arg('id', () => ID) id: string, @Ctx() context: RequestContext): Promise<Worker | null> {
    return context.services.nodes.get(context, 'Worker', id);
  }

  @Reads()
  @Query(() => Workers.Connection, {
    complexity: pageComplexity,
    description: 'Workers that were started; `gc` removes those that have been gone for a month.',
  })
  workers(
    @Args(() => Workers.Arguments) page: PageArguments,
    @Ctx() context: RequestContext,
  ): Promise<Connection<Worker>> {
    return context.services.workers.list(context, page);
  }

  @Reads()
  @Query(() => [Device], { complexity: listComplexity(20), description: 'What there is to compute on, at present.' })
  devices(@Ctx() { services, viewer }: RequestContext): Promise<Device[]> {
    return services.workers.devices(viewer);
  }

  @Reads()
  @FieldResolver(() => Boolean, { description: 'Whether it runs and gave a sign of life in the last 30 seconds.' })
  alive(
    @Root() worker: Worker & Partial<Pick<WatchedWorker, 'isAlive'>>,
    @Ctx() { loaders }: RequestContext,
  ): boolean | Promise<boolean> {
    return worker.isAlive ?? loaders.isWorkerAlive.load(worker.id);
  }

  @Reads()
  @FieldResolver(() => Task, { nullable: true, description: 'What it computes now, if that is of your project.' })
  async currentTask(@Root() worker: Worker, @Ctx() { loaders }: RequestContext): Promise<Task | null> {
    const row = (await loaders.runningOfWorker.load(worker.id)).at(-1);
    return row ? fromRow(Task, row) : null;
  }
}
