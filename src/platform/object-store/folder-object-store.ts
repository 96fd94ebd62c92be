/** Objects as files below one folder: the store of embedded mode. */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { TeddyhubError } from '../../domain/errors.js';
import { checkKey } from './keys.js';
import { type ObjectStore, objectMissing } from './object-store.js';

/** Unfinished writes; no key begins a name with a dot. */
const TEMPORARY = '.tmp-';
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'EISDIR']);

/** Makes the folder where it is missing. Throws BAD_CONFIGURATION when it cannot be made, read or written. */
export async function openFolderObjectStore(folder: string): Promise<ObjectStore> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    if (FULL.has(codeOf(error))) throw storageFull(folder, error);
    const message = `The object store's folder ${folder} cannot be used (${codeOf(error)}): make it a folder that this user may read and write.`;
    throw new TeddyhubError('BAD_CONFIGURATION', message, { cause: error });
  }

  const attempt = async <T>(key: string, work: (path: string) => Promise<T>): Promise<T> => {
    const path = join(folder, ...checkKey(key).split('/'));
    try {
      return await work(path);
    } catch (error) {
      if (FULL.has(codeOf(error))) throw storageFull(folder, error);
      if (ABSENT.has(codeOf(error))) throw objectMissing(key, error);
      throw unavailable(folder, error);
    }
  };

  return {
    put: (key, bytes) => attempt(key, (path) => writeAtomically(path, bytes)),
    get: (key) => attempt(key, (path) => readFile(path)),
    stream: (key, range) =>
      attempt(key, async (path) => {
        const handle = await open(path);
        return handle.createReadStream(range && { start: range.start, end: range.start + range.length - 1 });
      }),
    size: (key) =>
      attempt(key, async (path) => (await stat(path)).size).catch((error: unknown) => {
        if (error instanceof TeddyhubError && error.code === 'OBJECT_MISSING') return null;
        throw error;
      }),
    list: (prefix) => listBelow(folder, prefix),
    delete: (key) => attempt(key, (path) => rm(path, { force: true })),
    presign: async () => null,
  };
}

/** The file appears under its name whole, and is on the disk when this returns; a failure leaves nothing. */
async function writeAtomically(path: string, bytes: Uint8Array): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const temporary = join(folder, `${TEMPORARY}${randomUUID()}`);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  // The name is on the disk only once its folder is.
  const directory = await open(folder);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function* listBelow(folder: string, prefix: string): AsyncGenerator<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw unavailable(folder, error);
  });
  const keys = entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith(TEMPORARY))
    .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, sep).length).split(sep).join('/'));
  yield* keys.filter((key) => key.startsWith(prefix)).sort();
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : 'unknown');

const storageFull = (folder: string, cause: unknown): TeddyhubError =>
  new TeddyhubError(
    'STORAGE_FULL',
    `No room left in the object store's folder ${folder}: free some space, then retry.`,
    {
      cause,
    },
  );

function unavailable(folder: string, cause: unknown): TeddyhubError {
  const message = `The object store's folder ${folder} cannot be used (${codeOf(cause)}): check the disk and the folder's permissions.`;
  return new TeddyhubError('UNAVAILABLE', message, { cause });
}
