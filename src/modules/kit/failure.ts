/** Failures, as data: of an object's work (`Failure`) and of a mutation's input (`UserError`). */
import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { FAILURE_CODES, type FailureCode } from '../../domain/errors.js';

const FailureKind = { USER: 'USER', SYSTEM: 'SYSTEM' } as const;

registerEnumType(FailureKind, {
  name: 'FailureKind',
  description: 'Who can fix a failure.',
  valuesConfig: {
    USER: { description: 'Whoever asked: the request or the data must change.' },
    SYSTEM: { description: 'Whoever operates the service.' },
  },
});

const codes = Object.keys(FAILURE_CODES) as FailureCode[];
const FailureCodeEnum = Object.fromEntries(codes.map((code) => [code, code])) as { [K in FailureCode]: K };

registerEnumType(FailureCodeEnum, {
  name: 'FailureCode',
  description: 'What went wrong. Codes are added over time: treat an unknown one as INTERNAL.',
  valuesConfig: Object.fromEntries(codes.map((code) => [code, { description: FAILURE_CODES[code].about }])) as Record<
    FailureCode,
    { description: string }
  >,
});

@ObjectType({ simpleResolvers: true, description: 'Why the work on an object failed.' })
export class Failure {
  @Field(() => FailureKind, { description: 'Who can fix it.' })
  kind!: 'USER' | 'SYSTEM';

  @Field(() => FailureCodeEnum)
  code!: FailureCode;

  @Field(() => String, { description: 'One line that says what happened and what to do.' })
  message!: string;

  @Field(() => Boolean, {
    description: 'Whether the same work may succeed later, elsewhere, or once somebody has fixed its surroundings.',
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
