/** Digests of options, by which a benchmark knows what it computed before. */
import { createHash } from 'node:crypto';

/** Zero, false and an empty list say the same as nothing, so an option that came later changes no digest while it is off. */
const said = (_: string, value: unknown): unknown =>
  value === 0 || value === false || (Array.isArray(value) && value.length === 0) ? undefined : value;

export const digestOf = (options: unknown): string =>
  createHash('sha256').update(JSON.stringify(options, said)).digest('hex');
