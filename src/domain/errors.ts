/**
 * Every failure that has a name. `kind` says who can mend it, `retryable` whether the same work may succeed later, elsewhere, or once
 * somebody has mended what surrounds it; the message is one line, safe to show, and says what to do.
 */
export const FAILURE_CODES = {
  /** The request itself is wrong: a value out of range, an unknown option. */
  INVALID_INPUT: { kind: 'USER', retryable: false },
  /** There is no such object, or it belongs to another project. */
  NOT_FOUND: { kind: 'USER', retryable: false },
  /** The object is not in a state that allows this. */
  INVALID_STATE: { kind: 'USER', retryable: false },
  /** The idempotency key was used before with another request. */
  IDEMPOTENCY_CONFLICT: { kind: 'USER', retryable: false },
  /** The object was changed since it was read. */
  VERSION_CONFLICT: { kind: 'USER', retryable: false },
  /** A dataset file cannot be read as what it should be. */
  BAD_INPUT_FILE: { kind: 'USER', retryable: false },
  /** A class has fewer images than the configuration asks for. */
  TOO_FEW_IMAGES: { kind: 'USER', retryable: false },
  /** The architecture cannot take images of this shape. */
  UNSUPPORTED_SHAPE: { kind: 'USER', retryable: false },
  /** No key, or an unknown, expired or revoked one. */
  UNAUTHENTICATED: { kind: 'USER', retryable: false },
  /** The key's role does not allow this. */
  FORBIDDEN: { kind: 'USER', retryable: false },
  /** The configuration of the service itself is wrong. */
  BAD_CONFIGURATION: { kind: 'SYSTEM', retryable: true },
  /** Somebody cancelled the work. */
  CANCELED: { kind: 'USER', retryable: true },
  /** The object store has no room left, or the disk of the database. */
  STORAGE_FULL: { kind: 'SYSTEM', retryable: true },
  /** The object store or the database does not answer. */
  UNAVAILABLE: { kind: 'SYSTEM', retryable: true },
  /** An object is missing from the store. */
  OBJECT_MISSING: { kind: 'SYSTEM', retryable: true },
  /** An object's bytes are not those its digest names. */
  OBJECT_CORRUPT: { kind: 'SYSTEM', retryable: true },
  /** The worker that held the task gave no sign of life, more often than a task may be tried. */
  WORKER_LOST: { kind: 'SYSTEM', retryable: true },
  /** The worker is of another version than the service that made the task. */
  OTHER_VERSION: { kind: 'SYSTEM', retryable: true },
  /** A newer attempt has taken the task over. */
  STALE_ATTEMPT: { kind: 'SYSTEM', retryable: false },
  /** A loss or an activation became infinite or not a number. */
  NUMERICS: { kind: 'USER', retryable: false },
  /** The device has no memory for what a task holds at once. */
  OUT_OF_MEMORY: { kind: 'USER', retryable: true },
  /** A fault of ours. */
  INTERNAL: { kind: 'SYSTEM', retryable: true },
} as const satisfies Record<string, { kind: 'USER' | 'SYSTEM'; retryable: boolean }>;

export type FailureCode = keyof typeof FAILURE_CODES;

/** What is kept of a failure in the database and shown to clients. */
export interface Failure {
  kind: 'USER' | 'SYSTEM';
  code: FailureCode;
  message: string;
  retryable: boolean;
  /** Of the object that is missing or damaged, where the store said so. Not kept: it decides what is made again. */
  objectKey?: string;
}

/** An expected failure: its message is meant for the person who caused or has to mend it. */
export class TeddyhubError extends Error {
  override readonly name = 'TeddyhubError';
  readonly code: FailureCode;
  /** Path of the input field at fault, for `userErrors`. */
  readonly field: readonly string[] | undefined;
  /** Of the object that is missing or damaged. */
  readonly objectKey: string | undefined;

  constructor(
    code: FailureCode,
    message: string,
    options: { field?: readonly string[]; cause?: unknown; objectKey?: string } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.field = options.field;
    this.objectKey = options.objectKey;
  }

  get failure(): Failure {
    const failure = { ...FAILURE_CODES[this.code], code: this.code, message: this.message };
    return this.objectKey === undefined ? failure : { ...failure, objectKey: this.objectKey };
  }
}

/** The same failure, told at a field of the input; anything else as it is. */
export const atField = (error: unknown, field: readonly string[]): unknown =>
  error instanceof TeddyhubError ? new TeddyhubError(error.code, error.message, { field, cause: error }) : error;

/** What strangers are told: the address of the store, which a failure of its own names, is for those who run the service. */
export function outwardMessageOf({ code, message, cause }: TeddyhubError): string {
  if (cause === undefined) return message;
  if (code === 'UNAVAILABLE') return 'The service cannot reach its storage: try again in a moment.';
  return code === 'STORAGE_FULL' ? 'The service has no storage left: whoever runs it has to free some.' : message;
}

const FULL_DISK = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** Turns whatever was thrown into a failure to record; what nobody foresaw becomes INTERNAL with a masked message. */
export function toFailure(error: unknown): Failure {
  if (error instanceof TeddyhubError) return error.failure;
  const code = errnoOf(error);
  if (code !== undefined && FULL_DISK.has(code)) {
    return new TeddyhubError('STORAGE_FULL', 'The disk is full: free some space, then retry.').failure;
  }
  return {
    ...FAILURE_CODES.INTERNAL,
    code: 'INTERNAL',
    message: 'Unexpected failure; the log of the worker has the details.',
  };
}

function errnoOf(error: unknown): string | undefined {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string')
    return error.code;
  return undefined;
}
