/** What goes wrong between a client and the service. */

/** The service refused or failed, or could not be reached; the message is its own line. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** Of the closed list in docs/api.md; UNREACHABLE where nobody answered. */
  readonly code: string;
  /** By which the service's log has it. */
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    code: string,
    message: string,
    options: { requestId?: string; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.requestId = options.requestId;
    this.retryAfterMs = options.retryAfterMs;
  }
}

export interface UserError {
  code: string;
  message: string;
  field: string[] | null;
}

/** What is wrong with the input of a mutation; nothing was changed. */
export class UserErrors extends Error {
  override readonly name = 'UserErrors';
  readonly errors: readonly UserError[];

  constructor(errors: readonly UserError[]) {
    super(errors.map((error) => error.message).join('\n'));
    this.errors = errors;
  }
}

/** An error of a GraphQL answer. */
export interface AnsweredError {
  message: string;
  extensions?: { code?: string; requestId?: string; retryAfterMs?: number };
}

export function toApiError({ message, extensions = {} }: AnsweredError): ApiError {
  const { code = 'INTERNAL', requestId, retryAfterMs } = extensions;
  return new ApiError(code, message, {
    ...(requestId === undefined ? {} : { requestId }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
