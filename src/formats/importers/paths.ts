/** Which files an import may read. */
import { realpath } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { TeddyhubError } from '../../domain/errors.js';

/**
 * Resolves `path` (relative ones against `root`) with all symbolic links and answers the real path, which lies under
 * `root`. Throws BAD_INPUT_FILE when the file does not exist and FORBIDDEN when it lies elsewhere.
 */
export async function assertUnderRoot(path: string, root: string): Promise<string> {
  const realRoot = await realOrThrow(
    root,
    `The import folder ${root} does not exist: create it or set TEDDYHUB_IMPORT_ROOT.`,
  );
  const asked = resolve(realRoot, path);
  // Before touching the file, so that the answer tells nothing about files elsewhere.
  if (!isUnder(asked, realRoot) && !isUnder(asked, resolve(root))) throw outside(path, root);
  const real = await realOrThrow(asked, `There is no file ${path}.`);
  if (!isUnder(real, realRoot)) throw outside(path, root);
  return real;
}

const isUnder = (path: string, root: string): boolean =>
  path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);

const outside = (path: string, root: string): TeddyhubError =>
  new TeddyhubError('FORBIDDEN', `${path} lies outside the import folder ${root}: put the files there.`);

async function realOrThrow(path: string, message: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (cause) {
    throw new TeddyhubError('BAD_INPUT_FILE', message, { cause });
  }
}
