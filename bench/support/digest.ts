/** Digests of options and of the code, by which a benchmark knows what it computed before. */
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { root } from './report.js';

/**
 * Zero, false and an empty list say the same as nothing, so an option that came later changes no digest while it is off. Nor does
 * the order in which a configuration has its options.
 */
function said(_: string, value: unknown): unknown {
  if (value === 0 || value === false) return undefined;
  if (Array.isArray(value)) return value.length === 0 ? undefined : value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export const digestOf = (options: unknown): string =>
  createHash('sha256').update(JSON.stringify(options, said)).digest('hex');

/** Of our own code that decides what a job computes, and of what it computes with: others may give other bytes in other times. */
export function codeDigest(): string {
  const folder = root('dist');
  const hash = createHash('sha256').update(process.env.TEDDYHUB_TENSORFLOW ?? 'cpu');
  hash.update(readFileSync(root('package-lock.json')));
  for (const file of globSync(['workers/**/*.js', 'src/{domain,formats}/**/*.js'], { cwd: folder }).sort()) {
    hash.update(file).update(readFileSync(`${folder}/${file}`));
  }
  return hash.digest('hex');
}
