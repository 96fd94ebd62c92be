/** Uploads in parts, of the folder store: a hidden folder each, with a file a part. */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TeddyhubError } from '../../domain/errors.js';
import { UNFINISHED_UPLOAD, UNFINISHED_WRITE, writeAtomically } from './atomic-file.js';
import { checkKey } from './keys.js';
import { digestOf, type StoredPart, type Upload, type UploadedPart, type Uploads } from './object-store.js';

const ID = /^[0-9a-f-]{36}$/;
/** Under which a write that a crash cut short is listed: its own key is not known any more. */
const CUT_SHORT = 'uploads/unfinished-write';

/** `attempt` runs work on the path of a key and turns what the disk says into the store's failures. */
export function folderUploads(
  folder: string,
  attempt: <T>(key: string, work: (path: string) => Promise<T>) => Promise<T>,
): Uploads {
  const folderOf = ({ id }: Upload): string => {
    if (!ID.test(id)) throw unknown(id);
    return join(folder, `${UNFINISHED_UPLOAD}${id}`);
  };
  const partOf = (upload: Upload, number: number): string => {
    if (!Number.isInteger(number) || number < 1) throw invalid(`Parts are numbered from 1, not ${number}.`);
    return join(folderOf(upload), String(number));
  };
  const requireBegun = async (upload: Upload): Promise<void> => {
    const key = await readFile(join(folderOf(upload), 'key'), 'utf8').catch(() => null);
    if (key !== upload.key) throw unknown(upload.id);
  };

  async function* contentsOf(upload: Upload, parts: readonly UploadedPart[]): AsyncGenerator<Uint8Array> {
    for (const { number, tag } of [...parts].sort((a, b) => a.number - b.number)) {
      const bytes = await readFile(partOf(upload, number)).catch(() => null);
      if (bytes === null || digestOf(bytes) !== tag) throw invalid(`Part ${number} did not arrive: send it again.`);
      yield bytes;
    }
  }

  return {
    begin: (key) =>
      attempt(key, async () => {
        const upload = { key, id: randomUUID() };
        await mkdir(folderOf(upload));
        await writeFile(join(folderOf(upload), 'key'), key);
        return upload.id;
      }),
    put: (upload, number, bytes) =>
      attempt(upload.key, async () => {
        await requireBegun(upload);
        await writeAtomically(folder, partOf(upload, number), [bytes]);
        return digestOf(bytes);
      }),
    parts: (upload) =>
      attempt(upload.key, async () => {
        await requireBegun(upload);
        const numbers = (await readdir(folderOf(upload))).map(Number).filter((number) => number >= 1);
        const parts: StoredPart[] = [];
        for (const number of numbers.sort((a, b) => a - b)) {
          const bytes = await readFile(partOf(upload, number));
          parts.push({ number, tag: digestOf(bytes), bytes: bytes.byteLength });
        }
        return parts;
      }),
    newestPart: async () => null,
    presign: async () => null,
    complete: (upload, parts) =>
      attempt(upload.key, async (path) => {
        await requireBegun(upload);
        await writeAtomically(folder, path, contentsOf(upload, parts));
        await rm(folderOf(upload), { recursive: true, force: true });
      }),
    abort: (upload) =>
      attempt(upload.key, async () => {
        await rm(folderOf(upload), { recursive: true, force: true });
        await rm(join(folder, `${UNFINISHED_WRITE}${upload.id}`), { force: true });
      }),
    async *list() {
      for (const name of await readdir(folder)) {
        const id = name.replace(UNFINISHED_UPLOAD, '').replace(UNFINISHED_WRITE, '');
        if (id === name) continue;
        const isUpload = name.startsWith(UNFINISHED_UPLOAD);
        const key = isUpload ? await readFile(join(folder, name, 'key'), 'utf8').catch(() => null) : CUT_SHORT;
        const about = await stat(join(folder, name)).catch(() => null);
        // Empty where a crash came between the file and its content.
        if (about !== null) yield { key: checkKey(key || CUT_SHORT), id, startedAt: about.mtime };
      }
    },
  };
}

const invalid = (message: string): TeddyhubError => new TeddyhubError('INVALID_INPUT', message);

const unknown = (id: string): TeddyhubError =>
  new TeddyhubError('NOT_FOUND', `There is no upload ${id.slice(0, 80)}: begin another one.`);
