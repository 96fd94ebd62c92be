/** What of an error reaches a client: a code of a closed list, one line, the request id, and nothing of our insides. */
import { unwrapResolverError } from '@apollo/server/errors';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { TeddyhubError } from '../domain/errors.js';
import { isDatabaseUnavailable } from '../platform/database/unavailable.js';
import type { Log } from '../platform/log.js';

export type ErrorCode =
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'BAD_USER_INPUT'
  | 'CONFLICT'
  | 'QUERY_TOO_COMPLEX'
  | 'UNAVAILABLE'
  | 'INTERNAL';

const CODES: Partial<Record<TeddyhubError['code'], ErrorCode>> = {
  UNAUTHENTICATED: 'UNAUTHENTICATED',
  FORBIDDEN: 'FORBIDDEN',
  NOT_FOUND: 'NOT_FOUND',
  INVALID_INPUT: 'BAD_USER_INPUT',
  INVALID_STATE: 'CONFLICT',
  IDEMPOTENCY_CONFLICT: 'CONFLICT',
  STORAGE_FULL: 'UNAVAILABLE',
  UNAVAILABLE: 'UNAVAILABLE',
};

/** Refusals of the GraphQL library and of our own limits, which say what the client did wrong. */
const CLIENT_CODES: Record<string, ErrorCode> = {
  GRAPHQL_PARSE_FAILED: 'BAD_USER_INPUT',
  GRAPHQL_VALIDATION_FAILED: 'BAD_USER_INPUT',
  BAD_USER_INPUT: 'BAD_USER_INPUT',
  BAD_REQUEST: 'BAD_USER_INPUT',
  PERSISTED_QUERY_NOT_FOUND: 'BAD_USER_INPUT',
  PERSISTED_QUERY_NOT_SUPPORTED: 'BAD_USER_INPUT',
  OPERATION_RESOLUTION_FAILURE: 'BAD_USER_INPUT',
  QUERY_TOO_COMPLEX: 'QUERY_TOO_COMPLEX',
};

/** Masks `error`; what nobody foresaw is logged here, once, under the request id that the client is told. */
export function toClientError(
  formatted: GraphQLFormattedError,
  error: unknown,
  request: { requestId: string; log: Log },
): GraphQLFormattedError {
  const { requestId } = request;
  const place = {
    ...(formatted.locations ? { locations: formatted.locations } : {}),
    ...(formatted.path ? { path: formatted.path } : {}),
  };
  const answer = (code: ErrorCode, message: string) => ({ ...place, message, extensions: { code, requestId } });

  const cause = unwrapResolverError(error);
  if (cause instanceof TeddyhubError) return answer(CODES[cause.code] ?? 'INTERNAL', cause.message);
  const code = formatted.extensions?.code;
  if (cause instanceof GraphQLError && typeof code === 'string' && CLIENT_CODES[code] !== undefined) {
    return answer(CLIENT_CODES[code], formatted.message);
  }
  if (isDatabaseUnavailable(cause)) {
    request.log.warn({ requestId, err: cause }, 'the database does not answer');
    return answer('UNAVAILABLE', 'The database does not answer at the moment: try again in a few seconds.');
  }
  request.log.error({ requestId, err: cause }, 'unexpected failure of a request');
  return answer('INTERNAL', `Unexpected failure. Tell whoever runs this service the request id ${requestId}.`);
}
