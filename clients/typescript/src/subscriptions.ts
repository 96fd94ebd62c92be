/** Subscriptions that outlive their connection: they subscribe again, and go on after the last thing that they have seen. */
import { createClient, type Client as SocketClient } from 'graphql-ws';
import { type AnsweredError, ApiError, toApiError } from './errors.js';
import type { Operation } from './operation.js';
import { backoff, pause } from './patience.js';
import type { Endpoint } from './requests.js';

export interface Subscriptions {
  /**
   * What the service sends, until it says that there is no more. `resume` makes the variables that go on after what was seen last;
   * null: it was seen before. Throws ApiError.
   */
  subscribe<Data, Variables extends Record<string, unknown>>(
    operation: Operation<'subscription', Data, Variables>,
    variables: Variables,
    options?: { signal?: AbortSignal; resume?: (variables: Variables, seen: Data) => Variables | null },
  ): AsyncGenerator<Data, void, undefined>;
  close(): Promise<void>;
}

/** After so long without a connection it is given up. */
const PATIENCE_MS = 60_000;
/** The service will not change its mind: not authorised, too many sockets, a protocol that it does not speak. */
const FINAL_CLOSES = new Map([
  [4400, ['BAD_USER_INPUT', 'The service does not understand this client']],
  [4401, ['UNAUTHENTICATED', 'The service does not know who asks']],
  [4403, ['UNAUTHENTICATED', 'The key does not work, or not any more']],
  [4406, ['BAD_USER_INPUT', 'The service does not speak graphql-transport-ws']],
  [4429, ['FORBIDDEN', 'The key has too many sockets']],
] as const);

/** One socket for all subscriptions, opened with the first and closed after the last. */
export function openSubscriptions(endpoint: Endpoint & { webSocket?: unknown }): Subscriptions {
  const sockets = createClient({
    url: `${endpoint.url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: endpoint.webSocket ?? globalThis.WebSocket,
    connectionParams: { authorization: `Bearer ${endpoint.key}` },
    lazy: true,
    // Repeating is done here, where it is known what to go on after.
    retryAttempts: 0,
  });
  return {
    subscribe: (operation, variables, options = {}) => following(sockets, endpoint.url, operation, variables, options),
    close: async () => sockets.dispose(),
  };
}

async function* following<Data, Variables extends Record<string, unknown>>(
  sockets: SocketClient,
  url: string,
  { name, text }: Operation<'subscription', Data, Variables>,
  given: Variables,
  options: { signal?: AbortSignal; resume?: (variables: Variables, seen: Data) => Variables | null },
): AsyncGenerator<Data, void, undefined> {
  const { signal, resume } = options;
  let variables = given;
  let failures = 0;
  let goodAt = Date.now();
  for (;;) {
    const results = sockets.iterate<Data>({ query: text, operationName: name, variables });
    const stop = () => void results.return?.();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      for await (const { data, errors } of results) {
        if (errors?.[0]) throw toApiError(errors[0] as AnsweredError);
        if (!data) continue;
        [failures, goodAt] = [0, Date.now()];
        const next = resume?.(variables, data);
        if (next === null) continue;
        yield data;
        if (next) variables = next;
      }
      signal?.throwIfAborted();
      return;
    } catch (thrown) {
      signal?.throwIfAborted();
      const error = explain(thrown, url);
      const passes = ['UNREACHABLE', 'UNAVAILABLE', 'RATE_LIMITED'].includes(error.code);
      if (!passes || Date.now() - goodAt > PATIENCE_MS) throw error;
      await pause(error.retryAfterMs ?? backoff(failures), signal);
      failures += 1;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }
}

/** graphql-ws throws a close event, the errors of the service, or what the socket says. */
function explain(thrown: unknown, url: string): ApiError {
  if (thrown instanceof ApiError) return thrown;
  if (Array.isArray(thrown)) return toApiError((thrown as AnsweredError[])[0] ?? { message: 'The service refused.' });
  const { code, reason } = (thrown ?? {}) as { code?: unknown; reason?: unknown };
  const final = typeof code === 'number' ? FINAL_CLOSES.get(code as 4400) : undefined;
  if (final) return new ApiError(final[0], `${final[1]} (${String(code)} ${String(reason)}).`, { cause: thrown });
  return new ApiError('UNREACHABLE', `The connection to ${url} is lost.`, { cause: thrown });
}
