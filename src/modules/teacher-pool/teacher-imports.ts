/** State dicts that clients bring, taken into the object store: a worker on any machine reads them there. */
import { readFile, stat } from 'node:fs/promises';
import type { PoolConfig } from '../../domain/config/pool.js';
import { TeddyhubError } from '../../domain/errors.js';
import type { ObjectRef } from '../../domain/jobs/references.js';
import { decodeSafetensors } from '../../formats/safetensors.js';
import { type ObjectStore, putByDigest } from '../../platform/object-store/object-store.js';
import { resolveImportPath } from '../dataset/import-path.js';
import { uploadedObject } from '../dataset/upload-id.js';

type TeacherImport = PoolConfig['imports'][number];

interface Taken {
  imports: TeacherImport[];
  imported: ObjectRef[];
}

/** ResNet-101, the largest network here, has 170 MB. */
const MAX_BYTES = 2 ** 30;

export class TeacherImports {
  /** One pool at a time: each file is in memory whole. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly store: ObjectStore,
    private readonly importRoot: string,
  ) {}

  /**
   * The imports with their names and digests, and the object of each. One file at a time is in memory. Throws INVALID_INPUT and
   * BAD_INPUT_FILE with the field at fault.
   */
  takeIn(imports: readonly TeacherImport[], projectId: string): Promise<Taken> {
    if (imports.length === 0) return Promise.resolve({ imports: [], imported: [] });
    const taking = this.last.then(() => this.takeInTurn(imports, projectId));
    this.last = taking.catch(() => undefined);
    return taking;
  }

  private async takeInTurn(imports: readonly TeacherImport[], projectId: string): Promise<Taken> {
    const taken = { imports: [] as TeacherImport[], imported: [] as ObjectRef[] };
    for (const [index, one] of imports.entries()) {
      const field = ['config', 'imports', String(index)];
      const { path, bytes } = await this.read(one, projectId, field);
      assertStateDict(path, bytes, field);
      const object = await putByDigest(this.store, 'checkpoints', bytes, '.safetensors');
      if (one.digest !== undefined && one.digest !== object.digest) {
        const problem = `it is another file than was asked for, ${object.digest} and not ${one.digest}.`;
        throw new TeddyhubError('BAD_INPUT_FILE', `${path}: ${problem}`, { field: [...field, 'digest'] });
      }
      taken.imports.push({ ...one, path, digest: object.digest });
      taken.imported.push(object);
    }
    return taken;
  }

  private async read({ path, uploadId }: TeacherImport, projectId: string, field: readonly string[]) {
    // A pool shows an upload's name as its path: what it shows can be asked for again.
    if (uploadId !== undefined) return this.readUpload(uploadId, projectId, [...field, 'uploadId']);
    if (path !== undefined) return this.readPath(path, [...field, 'path']);
    throw new TeddyhubError('INVALID_INPUT', `${field.join('.')}: give a path or an uploadId.`, { field });
  }

  private async readPath(asked: string, field: readonly string[]) {
    const path = await resolveImportPath(this.importRoot, asked, field);
    checkSize(asked, (await stat(path)).size, field);
    const bytes = await readFile(path).catch((cause: unknown) => {
      throw new TeddyhubError('BAD_INPUT_FILE', `There is no readable file ${asked}.`, { field, cause });
    });
    return { path, bytes };
  }

  private async readUpload(id: string, projectId: string, field: readonly string[]) {
    const { key, name } = uploadedObject(id, projectId, field);
    const there = await this.store.stat(key);
    if (there === null) {
      const problem = 'it is not in the object store: complete its upload first, or upload it again.';
      throw new TeddyhubError('BAD_INPUT_FILE', `${name}: ${problem}`, { field });
    }
    checkSize(name, there.bytes, field);
    return { path: name, bytes: await this.store.get(key) };
  }
}

/** Nothing else becomes an object: others could read it there. */
function assertStateDict(name: string, bytes: Uint8Array, field: readonly string[]): void {
  try {
    decodeSafetensors(bytes);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TeddyhubError('BAD_INPUT_FILE', `${name} is no safetensors file: ${why}`, { field, cause });
  }
}

function checkSize(name: string, bytes: number, field: readonly string[]): void {
  if (bytes <= MAX_BYTES) return;
  throw new TeddyhubError('BAD_INPUT_FILE', `${name} has ${bytes} bytes, a teacher at most ${MAX_BYTES}.`, { field });
}
