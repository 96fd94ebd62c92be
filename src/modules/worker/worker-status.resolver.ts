import { Resolver, Root, Subscription } from 'type-graphql';
import type { RequestContext } from '../context.js';
import { fromRow } from '../kit/node.js';
import type { WatchedWorker } from './worker.repository.js';
import { Worker } from './worker.type.js';

@Resolver()
export class WorkerStatusResolver {
  @Subscription(() => Worker, {
    description:
      'The workers that are alive, then each one that changes its state or its task, or falls silent; within about a second.',
    subscribe: ({ context }: { context: RequestContext }) => context.services.workerWatch.follow(context.viewer),
  })
  workerStatus(@Root() worker: WatchedWorker): Worker {
    return fromRow(Worker, worker);
  }
}
