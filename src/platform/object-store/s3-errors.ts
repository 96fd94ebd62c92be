/** What an S3 server or the way to it says went wrong: whether to try again, and what to tell people. */
import { TeddyhubError } from '../../domain/errors.js';
import { objectMissing } from './object-store.js';

const MISSING = new Set(['NoSuchKey', 'NotFound']);
const BAD_PART = new Set(['InvalidPart', 'InvalidPartOrder', 'EntityTooSmall', 'InvalidRequest']);
const REFUSED = new Set(['AccessDenied', 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'AccountProblem']);
const FULL = new Set(['XMinioStorageFull', 'QuotaExceeded', 'XMinioAdminBucketQuotaExceeded', 'InsufficientStorage']);

const TRANSIENT = new Set([
  // The server: overloaded, restarting, or in trouble of its own.
  'SlowDown',
  'SlowDownRead',
  'SlowDownWrite',
  'ServiceUnavailable',
  'InternalError',
  'RequestTimeout',
  'OperationAborted',
  'TooManyRequests',
  'XMinioServerNotInitialized',
  // The bytes: damaged or cut on the way, which the server noticed.
  'BadDigest',
  'IncompleteBody',
  'XAmzContentSHA256Mismatch',
  'XAmzContentChecksumMismatch',
  // The connection.
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

/** The minio client answers these statuses without the server's own code. */
const STATUS = /Retryable HTTP status: (\d{3})/;
/** What Node says of a connection without a code. */
const BROKEN = /^(?:socket hang up|aborted)$/;

export function isTransient(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isTransient);
  if (!(error instanceof Error)) return false;
  return TRANSIENT.has(codeOf(error)) || STATUS.test(error.message) || BROKEN.test(error.message);
}

/** `key` is '' where no object is concerned. */
export function explain(error: unknown, where: { endpoint: string; bucket: string }, key: string): TeddyhubError {
  if (error instanceof TeddyhubError) return error;
  const { endpoint, bucket } = where;
  const code = codeOf(error);
  const store = `The object store at ${endpoint}`;
  if (MISSING.has(code) && key !== '') return objectMissing(key, error);
  const fail = (failure: TeddyhubError['code'], message: string) =>
    new TeddyhubError(failure, message, { cause: error });
  if (code === 'NoSuchUpload') return fail('NOT_FOUND', `There is no such upload of ${key}: begin another one.`);
  if (BAD_PART.has(code)) return fail('INVALID_INPUT', `A part of ${key} did not arrive (${code}): send it again.`);
  if (code === 'NoSuchBucket') {
    return fail('BAD_CONFIGURATION', `${store} has no bucket ${bucket}: make it or check S3_BUCKET.`);
  }
  if (REFUSED.has(code)) {
    return fail(
      'BAD_CONFIGURATION',
      `${store} refuses access to bucket ${bucket} (${code}): check S3_ACCESS_KEY, S3_SECRET_KEY and the rights of that key.`,
    );
  }
  if (FULL.has(code)) return fail('STORAGE_FULL', `${store} has no room left (${code}): free some space, then retry.`);
  if (/CERT|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)/.test(code)) {
    return fail(
      'BAD_CONFIGURATION',
      `${store} shows a certificate that is not trusted (${code}): name its authority in S3_CA_FILE.`,
    );
  }
  return fail('UNAVAILABLE', `${store} does not answer as it should (${code}): check S3_ENDPOINT and that it runs.`);
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  if (error instanceof Error && 'code' in error && error.code !== '') return String(error.code);
  if (!(error instanceof Error) || error.message === '') return 'unknown reason';
  const status = STATUS.exec(error.message)?.[1];
  return status === undefined ? (error.message.split('\n')[0] ?? '') : `HTTP ${status}`;
}
