/** Failures, as data: of an object's work (`Failure`) and of a mutation's input (`UserError`). */
import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { FAILURE_CODES, type FailureCode } from '../../domain/errors.js';

const FailureKind = { USER: 'USER', SYSTEM: 'SYSTEM' } as const;

registerEnumType(FailureKind, {
  name: 'FailureKind',
  description: 'Who can mend a failure.',
  valuesConfig: {
    USER: { description: 'Whoever asked: the request or the data must change.' },
    SYSTEM: { description: 'Whoever operates the service.' },
  },
});

const DESCRIPTIONS: Record<FailureCode, string> = {
  INVALID_INPUT: 'The request itself is wrong: a value out of range, an unknown option.',
  NOT_FOUND: 'There is no such object, or it belongs to another project.',
  INVALID_STATE: 'The object is not in a state that allows this.',
  IDEMPOTENCY_CONFLICT: 'The idempotency key was used before with another request.',
  VERSION_CONFLICT: 'The object was changed since it was read: read it again, then decide anew.',
  BAD_INPUT_FILE: 'A dataset file cannot be read as what it should be.',
  TOO_FEW_IMAGES: 'A class has fewer images than the configuration asks for.',
  UNSUPPORTED_SHAPE: 'The architecture cannot take images of this shape.',
  UNAUTHENTICATED: 'No key, or an unknown, expired or revoked one.',
  FORBIDDEN: "The key's role does not allow this.",
  BAD_CONFIGURATION: 'The configuration of the service itself is wrong.',
  CANCELED: 'Somebody cancelled the work.',
  STORAGE_FULL: 'The object store has no room left, or the disk of the database.',
  UNAVAILABLE: 'The object store or the database does not answer.',
  OBJECT_MISSING: 'An object is missing from the store.',
  OBJECT_CORRUPT: "An object's bytes are not those its digest names.",
  WORKER_LOST: 'The worker that held the task gave no sign of life, more often than a task may be tried.',
  OTHER_VERSION: 'The worker is of another version than the service that made the task.',
  STALE_ATTEMPT: 'A newer attempt has taken the task over.',
  NUMERICS: 'A loss or an activation became infinite or not a number.',
  OUT_OF_MEMORY: 'The device has no memory for what a task holds at once.',
  INTERNAL: 'A fault of the service; its log has the details.',
};

const codes = Object.keys(FAILURE_CODES) as FailureCode[];
const FailureCodeEnum = Object.fromEntries(codes.map((code) => [code, code])) as { [K in FailureCode]: K };

registerEnumType(FailureCodeEnum, {
  name: 'FailureCode',
  description: 'What went wrong. Codes are added over time: treat an unknown one as INTERNAL.',
  valuesConfig: Object.fromEntries(codes.map((code) => [code, { description: DESCRIPTIONS[code] }])) as Record<
    FailureCode,
    { description: string }
  >,
});

@ObjectType({ simpleResolvers: true, description: 'Why the work on an object failed.' })
export class Failure {
  @Field(() => FailureKind, { description: 'Who can mend it.' })
  kind!: 'USER' | 'SYSTEM';

  @Field(() => FailureCodeEnum)
  code!: FailureCode;

  @Field(() => String, { description: 'One line that says what happened and what to do.' })
  message!: string;

  @Field(() => Boolean, {
    description: 'Whether the same work may succeed later, elsewhere, or once somebody has mended what surrounds it.',
  })
  retryable!: boolean;
}

@ObjectType({ simpleResolvers: true, description: 'What is wrong with the input of a mutation. Nothing was changed.' })
export class UserError {
  @Field(() => FailureCodeEnum)
  code!: FailureCode;

  @Field(() => String, { description: 'One line that says what is wrong and what to do.' })
  message!: string;

  @Field(() => [String], { nullable: true, description: 'Path of the field at fault, from the input on.' })
  field!: string[] | null;
}

const isCode = (code: string): code is FailureCode => Object.hasOwn(FAILURE_CODES, code);

export interface FailureColumns {
  failureKind: 'USER' | 'SYSTEM' | null;
  failureCode: string | null;
  failureMessage: string | null;
  failureRetryable: boolean | null;
}

/** Null while nothing failed. A code of a newer version reads as INTERNAL. */
export function failureOf(row: FailureColumns): Failure | null {
  if (row.failureKind === null || row.failureCode === null) return null;
  return toFailureType({
    kind: row.failureKind,
    code: row.failureCode,
    message: row.failureMessage ?? '',
    retryable: row.failureRetryable ?? false,
  });
}

export const toFailureType = (failure: {
  kind: 'USER' | 'SYSTEM';
  code: string;
  message: string;
  retryable: boolean;
}): Failure => ({ ...failure, code: isCode(failure.code) ? failure.code : 'INTERNAL' });
