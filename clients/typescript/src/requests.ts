/** Queries and mutations over HTTP. What may be repeated is, when the service is away or says that it is too early. */
import { type AnsweredError, ApiError, toApiError, type UserError, UserErrors } from './errors.js';
import type { Operation } from './operation.js';
import { backoff, PATIENCE_MS, pause } from './patience.js';

export interface Endpoint {
  /** Of the service, such as `http://127.0.0.1:4000`. */
  url: string;
  /** `thk_...` */
  key: string;
  /** For how many milliseconds a request, or a subscription that was lost, is tried again before its failure is thrown; 60,000 by default. */
  patienceMs?: number;
}

/** A new idempotency key is made up where none is given. */
export type MutationInput<Variables> = Variables extends { input: infer Input }
  ? Input extends { idempotencyKey: string }
    ? Omit<Input, 'idempotencyKey'> & { idempotencyKey?: string }
    : Input
  : never;

/** Throws ApiError. */
export async function query<Data, Variables>(
  endpoint: Endpoint,
  operation: Operation<'query', Data, Variables>,
  variables: Variables,
  signal?: AbortSignal,
): Promise<Data> {
  return (await send(endpoint, operation, variables, true, signal)) as Data;
}

/** The payload of a mutation. Throws UserErrors for what is wrong with the input, ApiError for everything else. */
export async function mutate<Data extends object, Variables extends { input: object }>(
  endpoint: Endpoint,
  operation: Operation<'mutation', Data, Variables>,
  given: MutationInput<Variables>,
  signal?: AbortSignal,
): Promise<Data[keyof Data]> {
  // One key for all repetitions: whatever of them arrived, it is done once.
  const input = operation.idempotent ? { ...given, idempotencyKey: keyIn(given) ?? crypto.randomUUID() } : given;
  const data = (await send(endpoint, operation, { input }, operation.idempotent, signal)) as Data;
  const payload = Object.values(data)[0] as Data[keyof Data] & { userErrors?: UserError[] };
  if (payload.userErrors && payload.userErrors.length > 0) throw new UserErrors(payload.userErrors);
  return payload;
}

const keyIn = ({ idempotencyKey }: { idempotencyKey?: string }): string | undefined => idempotencyKey;

async function send(
  endpoint: Endpoint,
  { name, text }: Operation<'query' | 'mutation', unknown, unknown>,
  variables: unknown,
  repeatable: boolean,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const body = JSON.stringify({ operationName: name, query: text, variables });
  const until = Date.now() + (endpoint.patienceMs ?? PATIENCE_MS);
  for (let failures = 0; ; failures++) {
    try {
      return await sendOnce(endpoint, body, signal);
    } catch (error) {
      const wait = waitBefore(error, repeatable, failures);
      if (signal?.aborted || wait === null || Date.now() + wait > until) throw error;
      await pause(wait, signal);
    }
  }
}

/** Null where it must not be sent again. */
function waitBefore(error: unknown, repeatable: boolean, failures: number): number | null {
  if (!(error instanceof ApiError)) return null;
  // It was refused before anything was done.
  if (error.code === 'RATE_LIMITED') return error.retryAfterMs ?? backoff(failures);
  return repeatable && (error.code === 'UNAVAILABLE' || error.code === 'UNREACHABLE') ? backoff(failures) : null;
}

/** The code of what went wrong on the way, as far in as there is one; else in words. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && typeof error.code === 'string') return error.code;
  // Of several addresses, each with a failure of its own.
  const inner = error instanceof AggregateError ? (error.errors as unknown[])[0] : error.cause;
  return inner === undefined ? error.message : reasonOf(inner);
}

/** Of the payload of a mutation: a secret is told this once, so that it is worth more than the object that could not be read back. */
const holdsSecret = (data: unknown): boolean =>
  Object.values((data ?? {}) as Record<string, { secret?: unknown } | null>).some(
    (payload) => typeof payload?.secret === 'string',
  );

async function sendOnce({ url, key }: Endpoint, body: string, signal: AbortSignal | undefined): Promise<unknown> {
  let status: number;
  let answer: { data?: unknown; errors?: AnsweredError[] } | undefined;
  try {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body,
      ...(signal ? { signal } : {}),
    });
    status = response.status;
    const text = await response.text();
    answer = text.startsWith('{') ? (JSON.parse(text) as typeof answer) : undefined;
  } catch (cause) {
    if (signal?.aborted) throw cause;
    const why = reasonOf(cause);
    // No other try changes a certificate, or what cannot be sent at all.
    const code = /CERT|SSL|TLS|VERIFY|INVALID_URL|ByteString/.test(why) ? 'BAD_USER_INPUT' : 'UNREACHABLE';
    throw new ApiError(code, `The API at ${url} does not answer (${why}).`, { cause });
  }
  const error = answer?.errors?.[0];
  if (error && !holdsSecret(answer?.data)) throw toApiError(error);
  if (answer?.data) return answer.data;
  const code = status >= 502 && status <= 504 ? 'UNREACHABLE' : 'INTERNAL';
  throw new ApiError(code, `${url} answers ${status}, and not as the API of Teddyhub does: check the URL.`);
}
