/** Failures under /v1: one line of JSON with the code, a message and the request's id. */
import type { Response } from 'express';
import { type FailureCode, outwardMessageOf, TeddyhubError, toFailure } from '../domain/errors.js';
import {
  hindranceOf,
  isDatabaseUnavailable,
  isStatementCanceled,
  isTextRefused,
  TEXT_REFUSED,
} from '../platform/database/failures.js';
import type { Log } from '../platform/log.js';

/** Every failure that is not listed is ours: 500. */
const STATUS: Partial<Record<FailureCode, number>> = {
  INVALID_INPUT: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  INVALID_STATE: 409,
  UNAVAILABLE: 503,
  STORAGE_FULL: 503,
};

/** `log` hears of what is ours alone, and of addresses that clients are not told. */
export function sendError(error: unknown, response: Response, log: Log | undefined): void {
  const requestId = String(response.getHeader('x-request-id'));
  const { code, message } = explain(error);
  const status = STATUS[code] ?? 500;
  if (status === 500) log?.error({ err: error, requestId }, 'request failed');
  else if (error instanceof TeddyhubError && outwardMessageOf(error) !== error.message)
    log?.warn({ reason: error.message, requestId }, 'request failed');
  for (const header of ['ETag', 'Accept-Ranges', 'Content-Length', 'Content-Range']) response.removeHeader(header);
  response.set('Cache-Control', 'no-store');
  // Basic, so that clients which keep the password of a URL until they are asked for it send it.
  if (status === 401) response.set('WWW-Authenticate', 'Bearer, Basic realm="teddyhub"');
  if (status === 503) response.set('Retry-After', '5');
  response
    .status(status)
    .type('application/json')
    .end(JSON.stringify({ error: { code, message, requestId } }));
}

function explain(error: unknown): { code: FailureCode; message: string } {
  // How this service is set up, and where its store is, is for its log.
  if (error instanceof TeddyhubError && error.code !== 'BAD_CONFIGURATION')
    return { code: error.code, message: outwardMessageOf(error).replaceAll('\n', ' ') };
  if (isStatementCanceled(error)) return { code: 'UNAVAILABLE', message: 'The database took too long: try again.' };
  const hindrance = hindranceOf(error);
  if (hindrance !== undefined) return { code: hindrance.code, message: hindrance.message };
  if (isDatabaseUnavailable(error)) return { code: 'UNAVAILABLE', message: 'The database does not answer: try again.' };
  if (isTextRefused(error)) return { code: 'INVALID_INPUT', message: TEXT_REFUSED };
  const { code, message } = toFailure(error);
  if (code === 'STORAGE_FULL') return { code, message };
  // What express itself refuses: a path that is not properly encoded.
  if (error instanceof URIError) return { code: 'INVALID_INPUT', message: 'The path of this URL is malformed.' };
  return { code: 'INTERNAL', message: 'Unexpected failure; the log of the service has it under this request id.' };
}
