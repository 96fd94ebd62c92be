/**
 * The port to object storage. Two implementations: a folder (embedded mode) and S3 (MinIO and its like). Keys are
 * slash-separated, without a leading slash. Bytes are named by their digest, so a key is only ever written with the
 * same bytes and a repeated write is harmless.
 */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { TeddyhubError } from '../../domain/errors.js';
import type { ObjectRef } from '../../domain/jobs/references.js';

export interface ObjectStore {
  /** Writes the whole object or nothing. Throws STORAGE_FULL, UNAVAILABLE. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Throws OBJECT_MISSING, UNAVAILABLE. */
  get(key: string): Promise<Buffer>;
  /** A stream of the object, or of `length` bytes from `start`. Throws OBJECT_MISSING, UNAVAILABLE. */
  stream(key: string, range?: { start: number; length: number }): Promise<Readable>;
  /** Size in bytes, or null where there is no such object. */
  size(key: string): Promise<number | null>;
  list(prefix: string): AsyncIterable<string>;
  /** Deleting what is not there is a success. */
  delete(key: string): Promise<void>;
  /** A URL that the outside world can fetch for `seconds`; null where the store has none and the API streams the bytes itself. */
  presign(key: string, seconds: number): Promise<string | null>;
}

export const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export const objectMissing = (key: string, cause?: unknown): TeddyhubError =>
  new TeddyhubError(
    'OBJECT_MISSING',
    `Object ${key} is not in the object store: restore it from a backup or make it again.`,
    { cause },
  );

/**
 * Stores bytes as `<folder>/<hex digest><extension>`. An object that is already there is not written again, unless its
 * bytes were changed since: making something again is how a broken object is mended.
 */
export async function putByDigest(
  store: ObjectStore,
  folder: string,
  bytes: Uint8Array,
  extension: string,
): Promise<ObjectRef> {
  const digest = digestOf(bytes);
  const key = `${folder}/${digest.slice('sha256:'.length)}${extension}`;
  const intact = (await store.size(key)) === bytes.byteLength && digestOf(await store.get(key)) === digest;
  if (!intact) await store.put(key, bytes);
  return { key, digest, bytes: bytes.byteLength };
}

/** Reads an object and refuses it, by name, when its bytes are not those its digest names. */
export async function getVerified(store: ObjectStore, ref: ObjectRef): Promise<Buffer> {
  const bytes = await store.get(ref.key);
  if (digestOf(bytes) !== ref.digest) {
    throw new TeddyhubError(
      'OBJECT_CORRUPT',
      `Object ${ref.key} was changed: its bytes are not those of ${ref.digest}. Restore it from a backup or make it again.`,
    );
  }
  return bytes;
}
