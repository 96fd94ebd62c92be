import { realpath, stat } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { TeddyhubError } from '../../domain/errors.js';

/**
 * The real path of a file to import. Links are followed before the check, so that none leads out of `importRoot`.
 * Throws INVALID_INPUT for a path outside of it, BAD_INPUT_FILE for one that is no readable file.
 */
export async function resolveImportPath(
  importRoot: string,
  path: string,
  field: readonly string[],
  { folders = false } = {},
): Promise<string> {
  const root = await realpath(importRoot).catch(() => resolve(importRoot));
  const outside = () =>
    new TeddyhubError('INVALID_INPUT', `${path} lies outside of the import folder of the service.`, { field });
  const wanted = resolve(root, path);
  // Before a look at the file, so that the answer tells nothing about files elsewhere.
  if (path.includes('\0') || !(isWithin(root, wanted) || isWithin(resolve(importRoot), wanted))) throw outside();
  const real = await realpath(wanted).catch(() => null);
  if (real === null) {
    throw new TeddyhubError('BAD_INPUT_FILE', `There is no readable file ${path}.`, { field });
  }
  if (!isWithin(root, real)) throw outside();
  const about = await stat(real);
  if (!about.isFile() && !(folders && about.isDirectory()))
    throw new TeddyhubError('BAD_INPUT_FILE', `${path} is not a file.`, { field });
  return real;
}

/** The root is within itself. */
const isWithin = (root: string, path: string): boolean =>
  path === root || path.startsWith(root.endsWith(sep) ? root : `${root}${sep}`);
