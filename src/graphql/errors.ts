/** What leaves the service as an error: a code of a closed list, one line, a request id. The unexpected is masked. */
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { type FailureCode, outwardMessageOf, TeddyhubError } from '../domain/errors.js';
import {
  hindranceOf,
  isDatabaseUnavailable,
  isStatementCanceled,
  isTextRefused,
  TEXT_REFUSED,
} from '../platform/database/failures.js';
import type { Log } from '../platform/log.js';
import { currentTrace } from '../platform/telemetry/request-trace.js';

export type ErrorCode =
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'BAD_USER_INPUT'
  | 'CONFLICT'
  | 'QUERY_TOO_COMPLEX'
  | 'RATE_LIMITED'
  | 'DEADLINE_EXCEEDED'
  | 'UNAVAILABLE'
  | 'INTERNAL';

const HTTP_STATUS: Record<ErrorCode, number> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  BAD_USER_INPUT: 400,
  CONFLICT: 409,
  QUERY_TOO_COMPLEX: 400,
  RATE_LIMITED: 429,
  DEADLINE_EXCEEDED: 504,
  UNAVAILABLE: 503,
  INTERNAL: 500,
};

export const httpStatusOf = (code: ErrorCode): number => HTTP_STATUS[code];

const CODE_OF_FAILURE: Partial<Record<FailureCode, ErrorCode>> = {
  UNAUTHENTICATED: 'UNAUTHENTICATED',
  FORBIDDEN: 'FORBIDDEN',
  NOT_FOUND: 'NOT_FOUND',
  INVALID_INPUT: 'BAD_USER_INPUT',
  INVALID_STATE: 'CONFLICT',
  UNAVAILABLE: 'UNAVAILABLE',
  STORAGE_FULL: 'UNAVAILABLE',
};

/** Codes that Apollo gives to requests that it refuses before they run. */
const REFUSED =
  /^(GRAPHQL_PARSE_FAILED|GRAPHQL_VALIDATION_FAILED|BAD_REQUEST|OPERATION_RESOLUTION_FAILURE|PERSISTED_QUERY_\w+)$/;

/** An error as clients see it. What nobody foresaw is logged here, once, under the id that the client is told. */
export function maskError(error: unknown, requestId: string, log: Log): GraphQLFormattedError {
  const { code, message } = explain(error);
  const cause = rootCause(error);
  if (code === 'INTERNAL') log.error({ err: cause, requestId }, 'request failed');
  else if (cause instanceof TeddyhubError && message !== cause.message)
    log.warn({ reason: cause.message, requestId }, 'request failed');
  currentTrace()?.failed(code);
  const { locations, path, extensions } = error instanceof GraphQLError ? error : {};
  const retryAfterMs = code === 'RATE_LIMITED' ? extensions?.retryAfterMs : undefined;
  return {
    message,
    ...(locations ? { locations } : {}),
    ...(path ? { path } : {}),
    extensions: { code, requestId, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
  };
}

/** A refusal before execution, with the HTTP status that says so. */
export function refusal(error: TeddyhubError | { code: ErrorCode; message: string }): GraphQLError {
  const { code, message } = error instanceof TeddyhubError ? explain(error) : error;
  return new GraphQLError(message, { extensions: { code, http: { status: HTTP_STATUS[code] } } });
}

export function explain(error: unknown): { code: ErrorCode; message: string } {
  const cause = rootCause(error);
  if (cause instanceof TeddyhubError) {
    const code = CODE_OF_FAILURE[cause.code] ?? 'INTERNAL';
    if (code !== 'INTERNAL') return { code, message: outwardMessageOf(cause) };
  } else if (isStatementCanceled(cause)) {
    return {
      code: 'DEADLINE_EXCEEDED',
      message: 'The request took too long and was given up: ask for smaller pages or fewer fields.',
    };
  } else if (isDatabaseUnavailable(cause)) {
    const message = hindranceOf(cause)?.message ?? 'The database does not answer: try again in a moment.';
    return { code: 'UNAVAILABLE', message };
  } else if (isTextRefused(cause)) {
    return { code: 'BAD_USER_INPUT', message: TEXT_REFUSED };
  } else if (cause instanceof GraphQLError) {
    const code = cause.extensions.code;
    if (typeof code === 'string' && code in HTTP_STATUS && code !== 'INTERNAL') {
      return { code: code as ErrorCode, message: cause.message };
    }
    // Of errors without a code only those before execution speak of the request; the others have a path.
    if ((code === undefined && cause.path === undefined) || (typeof code === 'string' && REFUSED.test(code))) {
      return { code: 'BAD_USER_INPUT', message: cause.message };
    }
  }
  return { code: 'INTERNAL', message: 'Unexpected failure; the log of the service has it under this request id.' };
}

function rootCause(error: unknown): unknown {
  return error instanceof GraphQLError && error.originalError ? rootCause(error.originalError) : error;
}
