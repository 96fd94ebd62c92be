/** Subscriptions that outlive their connection: they subscribe again, and go on after the last thing that they have seen. */
import { createClient, type Client as SocketClient } from 'graphql-ws';
import { type AnsweredError, ApiError, toApiError } from './errors.js';
import type { Operation } from './operation.js';
import { backoff, PATIENCE_MS, pause } from './patience.js';
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

/** The service will not change its mind: not authorised, too many sockets, a protocol that it does not speak. */
const FINAL_CLOSES = new Map([
  [4400, ['BAD_USER_INPUT', 'The service does not understand this client']],
  [4401, ['UNAUTHENTICATED', 'The service does not know who asks']],
  [4403, ['UNAUTHENTICATED', 'The key does not work, or not any more']],
  [4406, ['BAD_USER_INPUT', 'The service does not speak graphql-transport-ws']],
  [4429, ['FORBIDDEN', 'The key has too many sockets']],
] as const);

/** How often the service is asked for a sign of life, which it answers at once. */
const PING_MS = 10_000;
/** A connection on which nothing came for so long is dead, whatever the socket says. */
const SILENCE_MS = 3 * PING_MS;
/** So many the service takes on one socket. */
const STREAMS_PER_SOCKET = 20;

/** Few sockets for all subscriptions, each opened with its first and closed after its last. */
export function openSubscriptions(endpoint: Endpoint & { webSocket?: unknown }): Subscriptions {
  const closed = new AbortController();
  // A client that asks no subscription needs no WebSocket.
  const sockets: Socket[] = [];
  const socketWithRoom = () => {
    const found = sockets.find(({ streams }) => streams < STREAMS_PER_SOCKET);
    if (found) return found;
    const opened = openSocket(endpoint);
    sockets.push(opened);
    return opened;
  };
  return {
    async *subscribe(operation, variables, options = {}) {
      const socket = socketWithRoom();
      const signals = [closed.signal, ...(options.signal ? [options.signal] : [])];
      const signal = AbortSignal.any(signals);
      socket.streams += 1;
      try {
        yield* following(socket, endpoint, operation, variables, { ...options, signal });
      } catch (error) {
        // Closing ends what there is, as if the service had said all.
        if (!closed.signal.aborted) throw error;
      } finally {
        socket.streams -= 1;
      }
    },
    async close() {
      closed.abort();
      // One that is just being opened, to where nobody answers, has nothing to close.
      await Promise.allSettled(sockets.map(async ({ client }) => client.dispose()));
    },
  };
}

interface Socket {
  readonly client: SocketClient;
  /** How many subscriptions it carries. */
  streams: number;
  /** When the service last took us in or said something. */
  heardAt: number;
}

function openSocket(endpoint: Endpoint & { webSocket?: unknown }): Socket {
  let silence: ReturnType<typeof setTimeout> | undefined;
  const client = createClient({
    url: `${endpoint.url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: endpoint.webSocket ?? globalThis.WebSocket,
    connectionParams: { authorization: `Bearer ${endpoint.key}` },
    lazy: true,
    keepAlive: PING_MS,
    // Repeating is done here, where it is known what to go on after.
    retryAttempts: 0,
    on: {
      connected: () => heard(),
      // Of every kind: answers to pings are messages too.
      message: () => heard(),
      closed: () => clearTimeout(silence),
    },
  });
  const socket: Socket = { client, streams: 0, heardAt: Date.now() };
  const heard = () => {
    socket.heardAt = Date.now();
    clearTimeout(silence);
    silence = setTimeout(() => client.terminate(), SILENCE_MS);
  };
  return socket;
}

async function* following<Data, Variables extends Record<string, unknown>>(
  socket: Socket,
  { url, patienceMs = PATIENCE_MS }: Endpoint,
  { name, text }: Operation<'subscription', Data, Variables>,
  given: Variables,
  options: { signal: AbortSignal; resume?: (variables: Variables, seen: Data) => Variables | null },
): AsyncGenerator<Data, void, undefined> {
  const { signal, resume } = options;
  /** Since when nothing came of it; undefined while all is well. */
  let failingSince: number | undefined;
  let variables = given;
  let failures = 0;
  for (;;) {
    signal.throwIfAborted();
    const results = socket.client.iterate<Data>({ query: text, operationName: name, variables });
    const stop = () => void results.return?.();
    signal.addEventListener('abort', stop, { once: true });
    try {
      for await (const { data, errors } of results) {
        if (errors?.[0]) throw toApiError(errors[0] as AnsweredError);
        if (!data) continue;
        [failures, failingSince] = [0, undefined];
        const next = resume?.(variables, data);
        if (next === null) continue;
        yield data;
        if (next) variables = next;
      }
      signal.throwIfAborted();
      return;
    } catch (thrown) {
      signal.throwIfAborted();
      const error = explain(thrown, url);
      const passes = ['UNREACHABLE', 'UNAVAILABLE', 'RATE_LIMITED'].includes(error.code);
      // A connection that was there meanwhile, however quiet, is lost anew.
      const anew = error.code === 'UNREACHABLE' && socket.heardAt > (failingSince ?? 0);
      if (failingSince === undefined || anew) failingSince = Date.now();
      if (!passes || Date.now() - failingSince > patienceMs) throw error;
      await pause(error.retryAfterMs ?? backoff(failures), signal);
      failures += 1;
    } finally {
      signal.removeEventListener('abort', stop);
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
