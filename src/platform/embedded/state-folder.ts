/** What is said where the state folder cannot hold the stack's files. */
import { TeddyhubError } from '../../domain/errors.js';

const UNUSABLE = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOTDIR',
  'EISDIR',
  'EEXIST',
  'ENOENT',
  'ELOOP',
  'ENAMETOOLONG',
]);
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** One line for what the file system refused; every other error comes back as it is. */
export function explainStateFolder(error: unknown, stateDir: string): unknown {
  const { code = '', path } = (error ?? {}) as NodeJS.ErrnoException;
  // Root's database and its programs may lie elsewhere, and accounts do.
  const isOfIt = path === undefined || path === stateDir || path.startsWith(`${stateDir}/`);
  const what = isOfIt ? `The state folder ${stateDir}` : `${path}, which the database of ${stateDir} needs,`;
  const line = (todo: string) => `${what} cannot be used (${code}): ${todo}, or set TEDDYHUB_STATE_DIR.`;
  if (FULL.has(code)) return new TeddyhubError('STORAGE_FULL', line('free some space'), { cause: error });
  if (!UNUSABLE.has(code)) return error;
  return new TeddyhubError('BAD_CONFIGURATION', line('make it one that this user may write'), { cause: error });
}
