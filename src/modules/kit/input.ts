/** Inputs are checked by the same zod schemas that the workers parse with; every mistake is reported with its path. */
import type { z } from 'zod';
import { TeddyhubError } from '../../domain/errors.js';

/** Several mistakes of one input, each of which becomes a user error. */
export class InputErrors extends Error {
  override readonly name = 'InputErrors';
  readonly errors: readonly TeddyhubError[];

  constructor(errors: readonly TeddyhubError[]) {
    super(errors.map((error) => error.message).join('\n'));
    this.errors = errors;
  }
}

/** Parses `value` and reports mistakes under `path`, below which the input may nest less than the schema does. Throws InputErrors. */
export function parseInput<S extends z.ZodType>(
  schema: S,
  value: unknown,
  path: readonly string[],
  inInput = (below: readonly string[]): readonly string[] => below,
): z.output<S> {
  const parsed = schema.safeParse(plain(value) ?? {});
  if (parsed.success) return parsed.data;
  throw new InputErrors(
    parsed.error.issues.map((issue) => {
      const field = [...path, ...inInput(issue.path.map(String))];
      return new TeddyhubError('INVALID_INPUT', `${field.join('.')}: ${issue.message}.`, { field });
    }),
  );
}

/** GraphQL tells "left out" from "null", the configurations do not: both take the default. */
export function plain(value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, item]) => [key, plain(item)] as const)
      .filter(([, item]) => item !== undefined),
  );
}

const NAME_LENGTH = 200;

/** A name for people: not empty, not endless, on one line. Throws INVALID_INPUT. */
export function requireName(name: string, field: readonly string[] = ['name']): string {
  const trimmed = name.trim();
  if (trimmed.length === 0 || trimmed.length > NAME_LENGTH || /\p{Cc}/u.test(trimmed)) {
    throw new TeddyhubError('INVALID_INPUT', `A name has 1 to ${NAME_LENGTH} characters on one line.`, {
      field,
    });
  }
  return trimmed;
}

const TEXT_LENGTH = 10_000;

/** A text for people; null for none. Throws INVALID_INPUT. */
export function requireText(text: string, field: readonly string[]): string | null {
  if (text.length > TEXT_LENGTH || text.includes('\0')) {
    throw new TeddyhubError('INVALID_INPUT', `Give at most ${TEXT_LENGTH} characters.`, { field });
  }
  return text.trim() || null;
}

const MAX_LABELS = 20;

/** Sorted, each once. Throws INVALID_INPUT. */
export function requireLabels(labels: readonly string[], field: readonly string[]): string[] {
  const trimmed = [...new Set(labels.map((label) => label.trim()))].sort();
  if (trimmed.length > MAX_LABELS || trimmed.some((label) => !/^[^\p{Cc},]{1,50}$/u.test(label))) {
    const message = `Give at most ${MAX_LABELS} labels, each of 1 to 50 characters without commas and line breaks.`;
    throw new TeddyhubError('INVALID_INPUT', message, { field });
  }
  return trimmed;
}

const MAX_SEED = 2 ** 31 - 1;

/** Throws INVALID_INPUT. */
export function requireSeed(seed: number | null | undefined, field: readonly string[] = ['seed']): number {
  const value = seed ?? 0;
  if (value < 0 || value > MAX_SEED) {
    throw new TeddyhubError('INVALID_INPUT', `A seed is 0 to ${MAX_SEED}.`, { field });
  }
  return value;
}
