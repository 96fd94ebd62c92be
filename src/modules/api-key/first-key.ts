/** The key that the commands on this machine use: made once, kept where only its owner can read it. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TeddyhubError } from '../../domain/errors.js';
import type { Authenticator } from './authenticator.js';
import type { OperatorKeys } from './operator-keys.js';

export interface FirstKey {
  secret: string;
  file: string;
  /** Made just now: to be shown this once. */
  isNew: boolean;
}

/** The ADMIN key of `<stateDir>/admin-key`; a new one where there is none, or where the database does not know it. */
export async function ensureFirstKey(
  authenticator: Authenticator,
  keys: OperatorKeys,
  stateDir: string,
): Promise<FirstKey> {
  const file = join(stateDir, 'admin-key');
  const kept = (await readFile(file, 'utf8').catch(() => '')).trim();
  if (kept !== '' && (await isAdmin(authenticator, kept))) return { secret: kept, file, isNew: false };
  const secret = await keys.create({ name: 'first key of this machine', role: 'ADMIN' });
  await mkdir(stateDir, { recursive: true });
  await writeFile(`${file}.new`, `${secret}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return { secret, file, isNew: true };
}

async function isAdmin(authenticator: Authenticator, key: string): Promise<boolean> {
  try {
    return (await authenticator.authenticate(key)).role === 'ADMIN';
  } catch (error) {
    if (error instanceof TeddyhubError && error.code === 'UNAUTHENTICATED') return false;
    throw error;
  }
}
