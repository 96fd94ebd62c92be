/**
 * Every failure that has a name. `kind` says who can fix it, `retryable` whether the same work may succeed later, elsewhere, or once
 * somebody has fixed its surroundings; the message is one line, safe to show, and says what to do.
 */
export const FAILURE_CODES = {
  INVALID_INPUT: {
    kind: 'USER',
    retryable: false,
    about: 'The request itself is wrong: a value out of range, an unknown option.',
  },
  NOT_FOUND: { kind: 'USER', retryable: false, about: 'There is no such object, or it belongs to another project.' },
  INVALID_STATE: { kind: 'USER', retryable: false, about: 'The object is not in a state that allows this.' },
  IDEMPOTENCY_CONFLICT: {
    kind: 'USER',
    retryable: false,
    about: 'The idempotency key was used before with another request.',
  },
  VERSION_CONFLICT: {
    kind: 'USER',
    retryable: false,
    about: 'The object was changed since it was read: read it again, then decide anew.',
  },
  BAD_INPUT_FILE: { kind: 'USER', retryable: false, about: 'A dataset file cannot be read as what it should be.' },
  TOO_FEW_IMAGES: {
    kind: 'USER',
    retryable: false,
    about: 'A class has fewer images than the configuration asks for.',
  },
  UNSUPPORTED_SHAPE: { kind: 'USER', retryable: false, about: 'The architecture cannot take images of this shape.' },
  UNAUTHENTICATED: { kind: 'USER', retryable: false, about: 'No key, or an unknown, expired or revoked one.' },
  FORBIDDEN: { kind: 'USER', retryable: false, about: "The key's role does not allow this." },
  BAD_CONFIGURATION: { kind: 'SYSTEM', retryable: true, about: 'The configuration of the service itself is wrong.' },
  CANCELED: { kind: 'USER', retryable: true, about: 'Somebody cancelled the work.' },
  STORAGE_FULL: {
    kind: 'SYSTEM',
    retryable: true,
    about: 'The object store has no room left, or the disk of the database.',
  },
  UNAVAILABLE: { kind: 'SYSTEM', retryable: true, about: 'The object store or the database does not answer.' },
  OBJECT_MISSING: { kind: 'SYSTEM', retryable: true, about: 'An object is missing from the store.' },
  OBJECT_CORRUPT: { kind: 'SYSTEM', retryable: true, about: "An object's bytes are not those its digest names." },
  WORKER_LOST: {
    kind: 'SYSTEM',
    retryable: true,
    about: 'The worker that held the task gave no sign of life, more often than a task may be tried.',
  },
  OTHER_VERSION: {
    kind: 'SYSTEM',
    retryable: true,
    about: 'The worker is of another version than the service that made the task.',
  },
  STALE_ATTEMPT: { kind: 'SYSTEM', retryable: false, about: 'A newer attempt has taken the task over.' },
  NUMERICS: { kind: 'USER', retryable: false, about: 'A loss or an activation became infinite or not a number.' },
  OUT_OF_MEMORY: { kind: 'USER', retryable: true, about: 'The device has no memory for what a task holds at once.' },
  INTERNAL: { kind: 'SYSTEM', retryable: true, about: 'A fault of the service; its log has the details.' },
} as const satisfies Record<string, { kind: 'USER' | 'SYSTEM'; retryable: boolean; about: string }>;

export type FailureCode = keyof typeof FAILURE_CODES;

/** What is kept of a failure in the database and shown to clients. */
export interface Failure {
  kind: 'USER' | 'SYSTEM';
  code: FailureCode;
  message: string;
  retryable: boolean;
  /** Of the object that is missing or damaged, where the store said so: it decides what is made again. */
  objectKey?: string;
}

export function newFailure(code: FailureCode, message: string): Failure {
  const { kind, retryable } = FAILURE_CODES[code];
  return { kind, code, message, retryable };
}

/** An expected failure: its message is meant for the person who caused or has to fix it. */
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
    const failure = newFailure(this.code, this.message);
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
  return newFailure('INTERNAL', 'Unexpected failure; the log of the worker has the details.');
}

function errnoOf(error: unknown): string | undefined {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string')
    return error.code;
  return undefined;
}
