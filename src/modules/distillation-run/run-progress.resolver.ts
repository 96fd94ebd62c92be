import { Arg, ID, Resolver, Root, Subscription } from 'type-graphql';
import type { RequestContext } from '../context.js';
import { RunProgress } from './run-progress.type.js';

@Resolver()
export class RunProgressResolver {
  @Subscription(() => RunProgress, {
    description:
      'How far a run is: now, then as it goes on, at most twice a second; every change of state is told. Ends with the run.',
    subscribe: ({ args, context }: { args: unknown; context: RequestContext }) =>
      context.services.runProgress.follow(context.viewer, (args as { runId: string }).runId),
  })
  runProgress(@Arg('runId', () => ID) _runId: string, @Root() snapshot: RunProgress): RunProgress {
    return snapshot;
  }
}
