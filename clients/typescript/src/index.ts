/**
 * Teddyhub from TypeScript: operations with their types, mutations that may be repeated, and subscriptions that go on by
 * themselves after a lost connection.
 *
 *     const teddyhub = openTeddyhub({ url: 'http://127.0.0.1:4000', key: 'thk_...' });
 *     const { distillationRun } = await teddyhub.mutate(operations.StartDistillationRun, { name, datasetId, teacherPoolId });
 *     for await (const event of teddyhub.runEvents(distillationRun!.id)) console.log(event.sequence, event.__typename);
 */
import * as operations from './generated/operations.js';
import type { RunEventsSubscription, RunProgressSubscription, WorkerStatusSubscription } from './generated/types.js';
import type { Operation } from './operation.js';
import { type Endpoint, type MutationInput, mutate, query } from './requests.js';
import { openSubscriptions } from './subscriptions.js';

export { ApiError, UserErrors } from './errors.js';
export type * from './generated/types.js';
export { operations };

export type RunEvent = RunEventsSubscription['runEvents'];
export type RunProgress = RunProgressSubscription['runProgress'];
export type WorkerStatus = WorkerStatusSubscription['workerStatus'];

export interface Options extends Endpoint {
  /** A WebSocket class, where the platform has none of its own. */
  webSocket?: unknown;
}

export type Teddyhub = ReturnType<typeof openTeddyhub>;

export function openTeddyhub(options: Options) {
  const endpoint = { ...options, url: options.url.replace(/\/+$/, '') };
  const subscriptions = openSubscriptions(endpoint);
  return {
    /** Repeated while the service is away. Throws ApiError. */
    query: <Data, Variables>(
      operation: Operation<'query', Data, Variables>,
      variables: Variables,
      signal?: AbortSignal,
    ): Promise<Data> => query(endpoint, operation, variables, signal),

    /** Its payload; creates are repeated under one idempotency key. Throws UserErrors, ApiError. */
    mutate: <Data extends object, Variables extends { input: object }>(
      operation: Operation<'mutation', Data, Variables>,
      input: MutationInput<Variables>,
      signal?: AbortSignal,
    ): Promise<Data[keyof Data]> => mutate(endpoint, operation, input, signal),

    /** The events of a run after a sequence, each exactly once and in order, over however many connections; ends with the run. */
    async *runEvents(
      runId: string,
      { afterSequence = 0, signal }: { afterSequence?: number; signal?: AbortSignal } = {},
    ): AsyncGenerator<RunEvent, void, undefined> {
      const stream = subscriptions.subscribe(
        operations.RunEvents,
        { runId, afterSequence },
        {
          resume: (variables, { runEvents: { sequence } }) =>
            sequence > variables.afterSequence ? { ...variables, afterSequence: sequence } : null,
          ...(signal ? { signal } : {}),
        },
      );
      for await (const { runEvents } of stream) yield runEvents;
    },

    /** How far a run is, at most twice a second, and every change of its state; ends with the run. */
    async *runProgress(runId: string, signal?: AbortSignal): AsyncGenerator<RunProgress, void, undefined> {
      const stream = subscriptions.subscribe(operations.RunProgress, { runId }, signal ? { signal } : {});
      for await (const { runProgress } of stream) yield runProgress;
    },

    /** The workers that are alive, then each one that changes. */
    async *workerStatus(signal?: AbortSignal): AsyncGenerator<WorkerStatus, void, undefined> {
      const stream = subscriptions.subscribe(operations.WorkerStatus, {}, signal ? { signal } : {});
      for await (const { workerStatus } of stream) yield workerStatus;
    },

    /** Ends all subscriptions. */
    close: (): Promise<void> => subscriptions.close(),
  };
}
