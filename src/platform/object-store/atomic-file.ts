/** Files that are there whole or not at all. */
import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** What is not an object: unfinished writes and uploads. No key begins a name with a dot. */
export const UNFINISHED_WRITE = '.tmp-write-';
export const UNFINISHED_UPLOAD = '.tmp-upload-';

/**
 * The file appears under its name whole, and is on the disk when this returns. Until then it lies in `root`, of the same
 * file system; a failure leaves nothing, and a crash what begins with `UNFINISHED_WRITE`.
 */
export async function writeAtomically(
  root: string,
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const temporary = join(root, `${UNFINISHED_WRITE}${randomUUID()}`);
  try {
    const file = await open(temporary, 'wx');
    try {
      for await (const chunk of chunks) await file.writeFile(chunk);
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
