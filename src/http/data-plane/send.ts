/**
 * Sends what a set consists of. Bytes come by a redirect to the object store where it has URLs of its own; elsewhere they are
 * verified here, and sent only when they are those of their digest.
 */
import { pipeline } from 'node:stream/promises';
import type { Request, Response } from 'express';
import { TeddyhubError } from '../../domain/errors.js';
import type { ObjectRef } from '../../domain/jobs/references.js';
import {
  type ObjectStat,
  type ObjectStore,
  objectCorrupt,
  objectMissing,
  verify,
} from '../../platform/object-store/object-store.js';

export interface ServedFile extends ObjectRef {
  /** For messages: `Shard 000000.tar of distilled set ...`. */
  what: string;
  type: string;
  /** Whether it is made of the set, and no part of it. */
  derived?: boolean;
}

/** Long enough for a slow start of a download, short enough for a URL that ends up in a log. */
const PRESIGNED_SECONDS = 900;
/** A set of one id never changes, and is for those who hold a key. */
const IMMUTABLE = 'private, max-age=31536000, immutable';
/** What is made of a set changes with where the service is reached, and with its version: asked for again, by its digest. */
const ASK_AGAIN = 'private, no-cache';
const REMEMBERED = 10_000;

/** Sends a document that was made here. `etag` is its digest, or that of what it is made of. */
export function sendDocument(request: Request, response: Response, bytes: Buffer, etag: string, type: string): void {
  if (startsKnown(request, response, etag, ASK_AGAIN)) return;
  response.type(type).send(bytes);
}

/** 304 where the client has it already; else the headers that every answer has, and false. */
export function startsKnown(request: Request, response: Response, etag: string, caching = IMMUTABLE): boolean {
  response.set({ ETag: `"${etag}"`, 'Cache-Control': caching });
  if (!isKnown(request, etag)) return false;
  response.status(304).end();
  return true;
}

export class FileSender {
  /** What every file was when its bytes were last verified: a range costs no second reading. */
  private readonly verified = new Map<string, string>();
  /** Readings under way: those who ask for one file at once wait for one. */
  private readonly checks = new Map<string, Promise<void>>();

  constructor(private readonly store: ObjectStore) {}

  /** Throws OBJECT_MISSING, OBJECT_CORRUPT, UNAVAILABLE, with the name that the reader knows. */
  async send(request: Request, response: Response, file: ServedFile): Promise<void> {
    if (startsKnown(request, response, file.digest, file.derived ? ASK_AGAIN : IMMUTABLE)) return;
    response.set('Accept-Ranges', 'bytes').type(file.type);
    const there = await this.store.stat(file.key).catch((error: unknown) => {
      throw named(error, file.what);
    });
    if (there === null) throw named(objectMissing(file.key), file.what);
    if (request.method === 'HEAD') return void response.set('Content-Length', String(there.bytes)).end();
    // Signed as late as can be: its time begins when somebody is about to use it.
    const url = await this.store.presign(file.key, PRESIGNED_SECONDS, { type: file.type });
    if (url !== null) return void response.set('Cache-Control', 'private, no-store').status(302).location(url).end();
    await this.check(file, there);
    await this.stream(request, response, file);
  }

  private async check(file: ServedFile, there: ObjectStat): Promise<void> {
    const seen = `${there.bytes} ${there.modifiedAt.getTime()}`;
    if (this.verified.get(file.key) === seen) return;
    if (there.bytes !== file.bytes) throw named(objectCorrupt(file.key, file.digest), file.what);
    const name = `${file.key} ${seen}`;
    const check = this.checks.get(name) ?? verify(this.store, file).finally(() => this.checks.delete(name));
    this.checks.set(name, check);
    await check.catch((error: unknown) => {
      throw named(error, file.what);
    });
    const oldest = this.verified.keys().next();
    if (this.verified.size >= REMEMBERED && !oldest.done) this.verified.delete(oldest.value);
    this.verified.set(file.key, seen);
  }

  private async stream(request: Request, response: Response, { key, bytes, digest }: ServedFile): Promise<void> {
    const range = rangeOf(request, bytes, digest);
    if (range === 'unsatisfiable') {
      return void response.status(416).set('Content-Range', `bytes */${bytes}`).end();
    }
    const { start, end } = range ?? { start: 0, end: bytes - 1 };
    if (range !== null) response.status(206).set('Content-Range', `bytes ${start}-${end}/${bytes}`);
    response.set('Content-Length', String(end - start + 1));
    const source = await this.store.stream(key, { start, length: end - start + 1 });
    await pipeline(source, response).catch((error: NodeJS.ErrnoException) => {
      // A client that has enough closes the connection: nothing is wrong.
      if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
    });
  }
}

/**
 * Whether If-None-Match names the digest (RFC 9110, 13.1.2). Not express's `fresh`: that gives way to a request's
 * `Cache-Control: no-cache`, which fetch() adds to every conditional request.
 */
function isKnown(request: Request, digest: string): boolean {
  const known = (request.get('if-none-match') ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return known.includes(`"${digest}"`) || known.includes('*');
}

/** The one range that is asked for (RFC 9110, 14.2); null where the whole is to be sent: none, several or a malformed one. */
function rangeOf(
  request: Request,
  size: number,
  digest: string,
): { start: number; end: number } | 'unsatisfiable' | null {
  const condition = request.get('if-range');
  if (condition !== undefined && condition !== `"${digest}"`) return null;
  // More than there is means the whole; range-parser calls it unsatisfiable.
  const last = Number(/^bytes=-(\d+)$/.exec(request.get('range') ?? '')?.[1] ?? 0);
  if (last > 0 && size > 0) return { start: Math.max(0, size - last), end: size - 1 };
  const ranges = request.range(size, { combine: true });
  if (ranges === -1) return 'unsatisfiable';
  if (ranges === undefined || ranges === -2 || ranges.type !== 'bytes' || ranges.length !== 1) return null;
  return ranges[0] ?? null;
}

/** With the name that the reader knows; the object's key stays in the message for who has to fix it. */
export const named = (error: unknown, what: string): unknown =>
  error instanceof TeddyhubError ? new TeddyhubError(error.code, `${what}: ${error.message}`, { cause: error }) : error;
