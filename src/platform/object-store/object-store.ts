/**
 * The port to object storage. Two implementations: a folder (embedded mode) and S3 (MinIO and its like). Keys are
 * slash-separated, without a leading slash. Bytes are named by their digest, so a key is only ever written with the
 * same bytes and a repeated write is harmless.
 */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { type FailureCode, TeddyhubError } from '../../domain/errors.js';
import type { ObjectRef } from '../../domain/jobs/references.js';
import type { Folder } from './keys.js';

export interface ObjectStat {
  bytes: number;
  modifiedAt: Date;
}

export interface ListedObject extends ObjectStat {
  key: string;
}

export interface ByteRange {
  start: number;
  length: number;
}

/** What a presigned answer says of itself, whatever was said when the object was written. */
export interface Presentation {
  type?: string;
}

export interface ObjectStore {
  /**
   * Writes the whole object or nothing, and refuses bytes that are not those of `digest` (default: theirs). Throws
   * STORAGE_FULL, UNAVAILABLE, OBJECT_CORRUPT.
   */
  put(key: string, bytes: Uint8Array, digest?: string): Promise<void>;
  /** The object, or `length` bytes from `start`. Throws OBJECT_MISSING, UNAVAILABLE. */
  get(key: string, range?: ByteRange): Promise<Buffer>;
  /** The same as a stream. A connection that breaks is taken up again where it broke. */
  stream(key: string, range?: ByteRange): Promise<Readable>;
  /** Null where there is no such object. */
  stat(key: string): Promise<ObjectStat | null>;
  /** In no particular order. */
  list(prefix: string): AsyncIterable<ListedObject>;
  /** Deleting what is not there is a success. */
  delete(key: string): Promise<void>;
  /** A URL that the outside world can fetch for `seconds`; null where the store has none and the API sends the bytes itself. */
  presign(key: string, seconds: number, presentation?: Presentation): Promise<string | null>;
  readonly uploads: Uploads;
}

/** Objects that come in parts: larger than memory, or from outside. An upload shows only once it is complete. */
export interface Uploads {
  /** Answers the id that the other calls want. */
  begin(key: string): Promise<string>;
  /** Parts are numbered from 1 and may come in any order; all but the last have at least `MIN_PART_BYTES`. Answers its tag. */
  put(upload: Upload, number: number, bytes: Uint8Array): Promise<string>;
  /** The parts that are there, in order. Throws NOT_FOUND. */
  parts(upload: Upload): Promise<StoredPart[]>;
  /** When its newest part came, where `startedAt` does not move with it. Null: no part, or no such upload. */
  newestPart(upload: Upload): Promise<Date | null>;
  /** A URL that takes one part by PUT and answers its tag as ETag; null where the API has to take it. */
  presign(upload: Upload, number: number, seconds: number): Promise<string | null>;
  /** Makes the object of its parts. Throws INVALID_INPUT where a part is missing or not what its tag says. */
  complete(upload: Upload, parts: readonly UploadedPart[]): Promise<void>;
  /** Forgets the upload and its parts; one that is not there is a success. */
  abort(upload: Upload): Promise<void>;
  /** Uploads that were begun and neither completed nor aborted. */
  list(): AsyncIterable<Upload & { startedAt: Date }>;
}

export interface Upload {
  key: string;
  id: string;
}

export interface UploadedPart {
  number: number;
  tag: string;
}

export interface StoredPart extends UploadedPart {
  bytes: number;
}

/** S3 takes no smaller parts, but for the last. */
export const MIN_PART_BYTES = 5 * 2 ** 20;

/** An object of this age is written again before anybody relies on it: garbage collection may be about to take it. */
export const REFRESH_MS = 3_600_000;

export const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** What of an object that can be made again costs time and nothing else. */
const LOST: readonly FailureCode[] = ['OBJECT_MISSING', 'OBJECT_CORRUPT'];

export const objectMissing = (key: string, cause?: unknown): TeddyhubError =>
  new TeddyhubError(
    'OBJECT_MISSING',
    `Object ${key} is not in the object store: restore it from a backup or make it again.`,
    { cause, objectKey: key },
  );

export const objectCorrupt = (key: string, digest: string): TeddyhubError =>
  new TeddyhubError(
    'OBJECT_CORRUPT',
    `Object ${key} was changed: its bytes are not those of ${digest}. Restore it from a backup or make it again.`,
    { objectKey: key },
  );

/** Refuses, before anything is written, bytes that are not those of the digest they are to be kept under. */
export function checkDigest(key: string, bytes: Uint8Array, digest: string | undefined): string {
  const actual = digestOf(bytes);
  if (digest !== undefined && digest !== actual) throw objectCorrupt(key, digest);
  return actual;
}

/**
 * Stores bytes as `<folder>/<hex digest><extension>`. An object that is already there is not written again, unless its
 * bytes were changed since: making something again is how a broken object is repaired.
 */
export async function putByDigest(
  store: ObjectStore,
  folder: Folder | `${Folder}/${string}`,
  bytes: Uint8Array,
  extension: string,
): Promise<ObjectRef> {
  const digest = digestOf(bytes);
  const key = `${folder}/${digest.slice('sha256:'.length)}${extension}`;
  const there = await store.stat(key);
  const fresh = there?.bytes === bytes.byteLength && Date.now() - there.modifiedAt.getTime() < REFRESH_MS;
  // The digest is of these very bytes: a store that wants none is not made to compute it again.
  if (!fresh || digestOf(await store.get(key)) !== digest) await store.put(key, bytes);
  return { key, digest, bytes: bytes.byteLength };
}

/**
 * Completes an upload of so many bytes to a key that holds nothing else, ever. A try whose answer was lost may have completed it, and the
 * next one finds no such upload: then the object is there.
 */
export async function completeUpload(
  { uploads, stat }: Pick<ObjectStore, 'uploads' | 'stat'>,
  upload: Upload,
  parts: readonly UploadedPart[],
  bytes: number,
): Promise<void> {
  try {
    await uploads.complete(upload, parts);
  } catch (error) {
    if ((await stat(upload.key).catch(() => null))?.bytes !== bytes) throw error;
    // Of an equal object that was there before, parts may be left.
    await uploads.abort(upload).catch(() => undefined);
  }
}

/** Reads an object and refuses it, by name, when its bytes are not those its digest names. */
export async function getVerified(store: ObjectStore, ref: Pick<ObjectRef, 'key' | 'digest'>): Promise<Buffer> {
  const bytes = await store.get(ref.key);
  if (digestOf(bytes) !== ref.digest) throw objectCorrupt(ref.key, ref.digest);
  return bytes;
}

/** Of what lies under its digest without an ending, as checkpoints do. */
export const refByKey = (key: string): Pick<ObjectRef, 'key' | 'digest'> => ({
  key,
  digest: `sha256:${key.slice(key.lastIndexOf('/') + 1)}`,
});

/** The bytes of what can be made again; undefined, and `tell` called, where they are gone or damaged. */
export function getIntact(
  store: ObjectStore,
  ref: Pick<ObjectRef, 'key' | 'digest'>,
  tell: (problem: string) => void = () => undefined,
): Promise<Buffer | undefined> {
  return getVerified(store, ref).catch((error: unknown) => {
    if (!(error instanceof TeddyhubError) || !LOST.includes(error.code)) throw error;
    tell(error.message);
    return undefined;
  });
}

/** Reads an object once, in little memory. Throws OBJECT_MISSING, OBJECT_CORRUPT. */
export async function verify(store: ObjectStore, { key, digest }: Pick<ObjectRef, 'key' | 'digest'>): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of await store.stream(key)) hash.update(chunk as Uint8Array);
  if (`sha256:${hash.digest('hex')}` !== digest) throw objectCorrupt(key, digest);
}
