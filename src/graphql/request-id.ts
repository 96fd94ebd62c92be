/** The id of the request that is being served: in its answer, in its errors, and in the log. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';

const storage = new AsyncLocalStorage<string>();

export const withRequestId = <T>(requestId: string, serve: () => T): T => storage.run(requestId, serve);

/** A new one outside of any request. */
export const currentRequestId = (): string => storage.getStore() ?? randomUUID();
