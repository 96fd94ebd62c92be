/** What is remembered of an upload until it is complete, so that the same command goes on with it after a break. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface UploadNote {
  /** The id of the upload that was begun; null where there is none. */
  read(): Promise<string | null>;
  /** As far as it can be written: without it, an upload that breaks begins anew. */
  write(uploadId: string): Promise<void>;
  remove(): Promise<void>;
}

/** The note of one file at one service. A file that was changed since is another one. */
export async function uploadNote(url: string, path: string): Promise<UploadNote> {
  const { size, mtimeMs } = await stat(path);
  const name = createHash('sha256')
    .update(JSON.stringify([url, path, size, mtimeMs]))
    .digest('hex');
  const { TEDDYHUB_CACHE, XDG_CACHE_HOME } = process.env;
  const cache = TEDDYHUB_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'teddyhub');
  const folder = join(cache, 'uploads');
  const file = join(folder, name);
  return {
    read: async () => (await readFile(file, 'utf8').catch(() => '')).trim() || null,
    async write(uploadId) {
      await mkdir(folder, { recursive: true })
        .then(() => writeFile(file, `${uploadId}\n`, { mode: 0o600 }))
        .catch(() => undefined);
    },
    remove: () => rm(file, { force: true }),
  };
}
