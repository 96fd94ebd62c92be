/**
 * What trainers fetch: manifest, shards and labels of a published set. Bytes come by a redirect to the object store
 * where it has URLs of its own; elsewhere they are verified here, and sent only when they are those of their digest.
 */
import { randomUUID } from 'node:crypto';
import { type NextFunction, type Request, type Response, Router } from 'express';
import { type FailureCode, TeddyhubError } from '../domain/errors.js';
import type { ObjectRef } from '../domain/jobs/references.js';
import type { Viewer } from '../domain/viewer.js';
import { notFound, requireUuid } from '../modules/kit/node.js';
import type { Database } from '../platform/database/client.js';
import type { DistilledSet } from '../platform/database/generated/client.js';
import { isDatabaseUnavailable } from '../platform/database/unavailable.js';
import type { Log } from '../platform/log.js';
import { getVerified, type ObjectStore, objectMissing } from '../platform/object-store/object-store.js';

export interface DataPlane {
  database: Database;
  store: ObjectStore;
  /** Throws UNAUTHENTICATED. A key of any role may read the published sets of its project. */
  authenticate(authorization: string | undefined): Promise<Viewer>;
  /** Is told what nobody foresaw. */
  log?: Log;
}

const ROOT = '/v1/distilled-sets/:id';
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Long enough for a slow start of a download, short enough for a URL that ends up in a log. */
const PRESIGNED_SECONDS = 900;
/** A set of one id never changes, and is for those who hold a key. */
const IMMUTABLE = 'private, max-age=31536000, immutable';
/** Every failure that is not listed is ours: 500. */
const STATUS: Partial<Record<FailureCode, number>> = {
  INVALID_INPUT: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  INVALID_STATE: 409,
  UNAVAILABLE: 503,
};

/** Serves below `/v1/distilled-sets/:id`, where id is the global id of a set or its UUID. Errors are JSON, on one line. */
export function dataPlaneRouter(plane: DataPlane): Router {
  const { database, store } = plane;
  const router = Router();

  router.use(ROOT, (request, response, next) => {
    if (!response.hasHeader('x-request-id')) response.set('x-request-id', randomUUID());
    // Whether there is an answer at all depends on the key.
    response.vary('Authorization');
    if (request.method === 'GET' || request.method === 'HEAD') next();
    else next('router');
  });

  router.get(`${ROOT}/manifest.json`, async (request, response) => {
    const set = await servedSet(plane, request);
    response.set({ ETag: `"${set.digest}"`, 'Cache-Control': IMMUTABLE });
    if (isKnown(request, set.digest)) return void response.status(304).end();
    const ref = { key: set.manifestKey, digest: set.manifestDigest, bytes: 0 };
    const bytes = await readVerified(store, ref, 'The manifest', set);
    response.type('application/json').send(bytes);
  });

  router.get(`${ROOT}/shards/:name`, async (request, response) => {
    const set = await servedSet(plane, request);
    const { name } = request.params;
    const shard = await database.distilledShard.findUnique({
      where: { distilledSetId_name: { distilledSetId: set.id, name } },
    });
    if (shard === null) throw noSuchFile('shard', name, set);
    await sendFile(store, request, response, {
      ...fileOf(shard),
      what: `Shard ${name}`,
      type: 'application/x-tar',
      set,
    });
  });

  router.get(`${ROOT}/labels/:name`, async (request, response) => {
    const set = await servedSet(plane, request);
    const { name } = request.params;
    const file = await database.labelFile.findFirst({ where: { name, labelSet: { distilledSetId: set.id } } });
    if (file === null) throw noSuchFile('label file', name, set);
    const type = 'application/octet-stream';
    await sendFile(store, request, response, { ...fileOf(file), what: `Label file ${name}`, type, set });
  });

  router.use(ROOT, (error: unknown, _request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) next(error);
    else sendError(error, response, plane.log);
  });
  return router;
}

/** The set of the URL. Throws UNAUTHENTICATED, NOT_FOUND (another project's as well), INVALID_STATE before it is published. */
async function servedSet(
  { database, authenticate }: DataPlane,
  request: Request<{ id: string }>,
): Promise<DistilledSet> {
  const { projectId } = await authenticate(request.headers.authorization);
  const { id } = request.params;
  const uuid = UUID.test(id) ? id.toLowerCase() : requireUuid('DistilledSet', id);
  const set = await database.distilledSet.findFirst({ where: { id: uuid, projectId } });
  if (set === null) throw notFound('DistilledSet', id);
  if (set.state !== 'STAGING') return set;
  throw new TeddyhubError('INVALID_STATE', `Distilled set ${uuid} is not published yet: publish it, then fetch it.`);
}

interface ServedFile extends ObjectRef {
  what: string;
  type: string;
  set: DistilledSet;
}

const fileOf = (row: { objectKey: string; digest: string; bytes: bigint }): ObjectRef => ({
  key: row.objectKey,
  digest: row.digest,
  bytes: Number(row.bytes),
});

async function sendFile(store: ObjectStore, request: Request, response: Response, file: ServedFile): Promise<void> {
  response.set({ ETag: `"${file.digest}"`, 'Cache-Control': IMMUTABLE, 'Accept-Ranges': 'bytes' });
  if (isKnown(request, file.digest)) return void response.status(304).end();
  // A presigned URL is signed for one method.
  const url = request.method === 'GET' ? await store.presign(file.key, PRESIGNED_SECONDS) : null;
  if (url !== null) {
    // The store would answer in words of its own; who follows the redirect verifies the digest.
    if ((await store.stat(file.key)) === null) throw named(objectMissing(file.key), file.what, file.set);
    return void response.set('Cache-Control', 'private, no-store').status(302).location(url).end();
  }
  const bytes = await readVerified(store, file, file.what, file.set);
  response.type(file.type);
  const range = rangeOf(request, bytes.length, file.digest);
  if (range === null) return void response.send(bytes);
  if (range === 'unsatisfiable') {
    return void response.status(416).set('Content-Range', `bytes */${bytes.length}`).end();
  }
  response.status(206).set('Content-Range', `bytes ${range.start}-${range.end}/${bytes.length}`);
  response.send(bytes.subarray(range.start, range.end + 1));
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
  if (request.method !== 'GET' || (condition !== undefined && condition !== `"${digest}"`)) return null;
  const ranges = request.range(size, { combine: true });
  if (ranges === -1) return 'unsatisfiable';
  if (ranges === undefined || ranges === -2 || ranges.type !== 'bytes' || ranges.length !== 1) return null;
  return ranges[0] ?? null;
}

/** The bytes of one of the set's files, if they are those of its digest. */
const readVerified = (store: ObjectStore, ref: ObjectRef, what: string, set: DistilledSet): Promise<Buffer> =>
  getVerified(store, ref).catch((error: unknown) => {
    throw named(error, what, set);
  });

/** With the name that the reader knows; the object's key stays in the message for who has to mend it. */
const named = (error: unknown, what: string, set: DistilledSet): unknown =>
  error instanceof TeddyhubError
    ? new TeddyhubError(error.code, `${what} of distilled set ${set.id}: ${error.message}`, { cause: error })
    : error;

const noSuchFile = (what: string, name: string, set: DistilledSet): TeddyhubError =>
  new TeddyhubError(
    'NOT_FOUND',
    `Distilled set ${set.id} has no ${what} ${name.slice(0, 100)}: see its manifest.json.`,
  );

function sendError(error: unknown, response: Response, log: Log | undefined): void {
  const requestId = String(response.getHeader('x-request-id'));
  const { code, message } = explain(error);
  const status = STATUS[code] ?? 500;
  if (status === 500) log?.error({ err: error, requestId }, 'data plane request failed');
  for (const header of ['ETag', 'Accept-Ranges']) response.removeHeader(header);
  response.set('Cache-Control', 'no-store');
  if (status === 401) response.set('WWW-Authenticate', 'Bearer');
  if (status === 503) response.set('Retry-After', '5');
  response
    .status(status)
    .type('application/json')
    .end(JSON.stringify({ error: { code, message, requestId } }));
}

function explain(error: unknown): { code: FailureCode; message: string } {
  if (error instanceof TeddyhubError) return { code: error.code, message: error.message.replaceAll('\n', ' ') };
  if (isDatabaseUnavailable(error)) return { code: 'UNAVAILABLE', message: 'The database does not answer: try again.' };
  // What express itself refuses: a path that is not properly encoded.
  if (error instanceof URIError) return { code: 'INVALID_INPUT', message: 'The path of this URL is malformed.' };
  return { code: 'INTERNAL', message: 'Unexpected failure; the log of the service has it under this request id.' };
}
