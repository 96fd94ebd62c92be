/** Objects as files below one folder: the store of embedded mode. */
import { constants } from 'node:fs';
import { access, mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { TeddyhubError } from '../../domain/errors.js';
import { UNFINISHED_UPLOAD, UNFINISHED_WRITE, writeAtomically } from './atomic-file.js';
import { folderUploads } from './folder-uploads.js';
import { checkKey } from './keys.js';
import { type ByteRange, checkDigest, type ListedObject, type ObjectStore, objectMissing } from './object-store.js';

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
      if (error instanceof TeddyhubError) throw error;
      if (FULL.has(codeOf(error))) throw storageFull(folder, error);
      if (ABSENT.has(codeOf(error))) throw objectMissing(key, error);
      throw unavailable(folder, error);
    }
  };

  return {
    put: (key, bytes, digest) =>
      attempt(key, (path) => {
        if (digest !== undefined) checkDigest(key, bytes, digest);
        return writeAtomically(folder, path, [bytes]);
      }),
    get: (key, range) => attempt(key, (path) => (range === undefined ? readFile(path) : readRange(path, range))),
    stream: (key, range) =>
      attempt(key, async (path) => {
        const handle = await open(path);
        return handle.createReadStream(range && { start: range.start, end: range.start + range.length - 1 });
      }),
    stat: (key) =>
      attempt(key, async (path) => statOf(await stat(path))).catch((error: unknown) => {
        if (error instanceof TeddyhubError && error.code === 'OBJECT_MISSING') return null;
        throw error;
      }),
    list: (prefix) => listBelow(folder, prefix),
    delete: (key) => attempt(key, (path) => rm(path, { force: true })),
    presign: async () => null,
    uploads: folderUploads(folder, attempt),
  };
}

const statOf = ({ size, mtime }: { size: number; mtime: Date }) => ({ bytes: size, modifiedAt: mtime });

/** What the file has of the range: less than its length at the end of the file. */
async function readRange(path: string, { start, length }: ByteRange): Promise<Buffer> {
  const file = await open(path);
  try {
    const buffer = Buffer.alloc(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await file.read(buffer, filled, length - filled, start + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  } finally {
    await file.close();
  }
}

async function* listBelow(folder: string, prefix: string): AsyncGenerator<ListedObject> {
  const keyOf = (path: string) => path.slice(join(folder, sep).length).split(sep).join('/');
  const isWanted = (path: string, isFolder: boolean) => {
    const key = keyOf(path);
    if (key.startsWith(UNFINISHED_UPLOAD) || key.startsWith(UNFINISHED_WRITE)) return false;
    return key.startsWith(prefix) || (isFolder && prefix.startsWith(`${key}/`));
  };
  try {
    for await (const path of filesBelow(folder, isWanted)) {
      // What was deleted meanwhile is not there.
      const found = await stat(path).catch(() => null);
      if (found !== null) yield { key: keyOf(path), ...statOf(found) };
    }
  } catch (error) {
    throw unavailable(folder, error);
  }
}

/** Folders that go while they are walked, those of uploads that end, have nothing in them; Node's own walk gives up at one. */
async function* filesBelow(
  folder: string,
  isWanted: (path: string, isFolder: boolean) => boolean,
  depth = 0,
): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (depth > 0 && ABSENT.has(codeOf(error))) return [];
    throw error;
  });
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (!isWanted(path, entry.isDirectory())) continue;
    if (entry.isDirectory()) yield* filesBelow(path, isWanted, depth + 1);
    else if (entry.isFile()) yield path;
  }
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : 'unknown');

const storageFull = (folder: string, cause: unknown): TeddyhubError =>
  new TeddyhubError(
    'STORAGE_FULL',
    `No room left in the object store's folder ${folder}: free some space, then retry.`,
    { cause },
  );

function unavailable(folder: string, cause: unknown): TeddyhubError {
  const message = `The object store's folder ${folder} cannot be used (${codeOf(cause)}): check the disk and the folder's permissions.`;
  return new TeddyhubError('UNAVAILABLE', message, { cause });
}
