/**
 * What trainers fetch: the descriptions, shards, labels and exports of a published set, below `/v1/distilled-sets/:id`; and the
 * state dict of a teacher, below `/v1/teachers/:id`.
 */
import { randomUUID } from 'node:crypto';
import { type NextFunction, type Request, type Response, Router } from 'express';
import { TeddyhubError } from '../domain/errors.js';
import { type Manifest, manifestSchema } from '../domain/manifest.js';
import { croissantBytes } from '../formats/descriptions/croissant.js';
import { widsBytes } from '../formats/descriptions/wids.js';
import { EXPORT_FILES, isExportFile } from '../formats/exports/export-file.js';
import type { DistilledSet } from '../platform/database/generated/client.js';
import { objectRefOf } from '../platform/database/object-ref.js';
import type { Log } from '../platform/log.js';
import { digestOf, getVerified, type ObjectStore } from '../platform/object-store/object-store.js';
import { type Access, type ServedSet, servedSet, servedTeacher } from './data-plane/access.js';
import { SetExports } from './data-plane/exports.js';
import { FileSender, named, sendDocument, startsKnown } from './data-plane/send.js';
import { sendError } from './failures.js';

export interface DataPlane extends Access {
  store: ObjectStore;
  /** A folder for exports while they are made. */
  scratch: string;
  /** Where clients reach the service; undefined: where the request says that it went. */
  publicUrl?: string | undefined;
  /** Is told what nobody foresaw. */
  log?: Log;
}

const ROOT = '/v1/distilled-sets/:id';
const TEACHER_ROOT = '/v1/teachers/:id';

/** `:id` is the global id of a set or a teacher, or its UUID. Errors are JSON, on one line. */
export function dataPlaneRouter(plane: DataPlane): Router {
  const { database, store } = plane;
  const router = Router();
  const files = new FileSender(store);
  const exports = new SetExports(store, plane.scratch);

  router.use([ROOT, TEACHER_ROOT], (request, response, next) => {
    if (!response.hasHeader('x-request-id')) response.set('x-request-id', randomUUID());
    // Whether there is an answer at all depends on the key. A URL with a token is nobody else's business.
    response.vary('Authorization').set('Referrer-Policy', 'no-referrer');
    if (request.method === 'GET' || request.method === 'HEAD') return next();
    throw nothingHere();
  });

  router.get(`${ROOT}/manifest.json`, async (request, response) => {
    const set = await servedSet(plane, request);
    // The digest of the set, and not that of the bytes: equal content is known under any name.
    if (startsKnown(request, response, set.digest)) return;
    response.type('application/json').send(await manifestOf(store, set));
  });

  router.get(`${ROOT}/croissant.json`, async (request, response) => {
    const set = await servedSet(plane, request);
    const url = `${baseOf(plane, request)}/v1/distilled-sets/${set.id}`;
    const publication = { url, creator: set.project.name, publishedAt: set.publishedAt ?? set.createdAt };
    const bytes = croissantBytes(await readManifest(store, set), publication);
    sendDocument(request, response, bytes, digestOf(bytes), 'application/ld+json');
  });

  router.get(`${ROOT}/wids.json`, async (request, response) => {
    const bytes = widsBytes(await readManifest(store, await servedSet(plane, request)));
    sendDocument(request, response, bytes, digestOf(bytes), 'application/json');
  });

  router.get(`${ROOT}/shards/:name`, async (request, response) => {
    const set = await servedSet(plane, request);
    const { name } = request.params;
    const shard = await database.distilledShard.findUnique({
      where: { distilledSetId_name: { distilledSetId: set.id, name } },
    });
    if (shard === null) throw noSuchFile('shard', name, set);
    const what = `Shard ${name} of distilled set ${set.id}`;
    await files.send(request, response, { ...objectRefOf(shard), what, type: 'application/x-tar' });
  });

  router.get(`${ROOT}/labels/:name`, async (request, response) => {
    const set = await servedSet(plane, request);
    const { name } = request.params;
    const file = await database.labelFile.findFirst({ where: { name, labelSet: { distilledSetId: set.id } } });
    if (file === null) throw noSuchFile('label file', name, set);
    const what = `Label file ${name} of distilled set ${set.id}`;
    await files.send(request, response, { ...objectRefOf(file), what, type: 'application/octet-stream' });
  });

  router.get(`${ROOT}/exports/:name`, async (request, response) => {
    const set = await servedSet(plane, request);
    const { name } = request.params;
    if (!isExportFile(name)) {
      const known = Object.keys(EXPORT_FILES).join(', ');
      throw new TeddyhubError('NOT_FOUND', `There is no export ${name.slice(0, 100)}: there are ${known}.`);
    }
    const what = `Export ${name} of distilled set ${set.id}`;
    const file = await exports
      .find(set.manifestDigest, name, async () => {
        const shards = await database.distilledShard.findMany({ where: { distilledSetId: set.id } });
        const manifestJson = await manifestOf(store, set);
        return {
          manifest: parseManifest(manifestJson),
          manifestJson,
          shards: new Map(shards.map((shard) => [`shards/${shard.name}`, objectRefOf(shard)])),
        };
      })
      .catch((error: unknown) => {
        throw named(error, what);
      });
    await files.send(request, response, { ...file, what, type: EXPORT_FILES[name].type, derived: true });
  });

  router.get(`${TEACHER_ROOT}/checkpoint.safetensors`, async (request, response) => {
    const { id, checkpointKey, checkpointDigest, checkpointBytes } = await servedTeacher(plane, request);
    const file = { key: checkpointKey, digest: checkpointDigest, bytes: Number(checkpointBytes) };
    const what = `The checkpoint of teacher ${id}`;
    await files.send(request, response, { ...file, what, type: 'application/octet-stream' });
  });

  router.use([ROOT, TEACHER_ROOT], () => {
    throw nothingHere();
  });

  router.use([ROOT, TEACHER_ROOT], (error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    if (response.headersSent) {
      // The answer has begun and breaks off: only the log can say why.
      plane.log?.error({ err: error, requestId: response.getHeader('x-request-id') }, 'data plane answer broke off');
      response.destroy();
    } else sendError(error, response, plane.log);
  });
  return router;
}

const nothingHere = (): TeddyhubError =>
  new TeddyhubError('NOT_FOUND', 'There is nothing here: docs/formats.md lists what is to be had, by GET.');

/** The bytes of manifest.json, if they are those of their digest. */
const manifestOf = (store: ObjectStore, set: DistilledSet): Promise<Buffer> =>
  getVerified(store, { key: set.manifestKey, digest: set.manifestDigest }).catch((error: unknown) => {
    throw named(error, `The manifest of distilled set ${set.id}`);
  });

const readManifest = async (store: ObjectStore, set: ServedSet): Promise<Manifest> =>
  parseManifest(await manifestOf(store, set));

const parseManifest = (bytes: Buffer): Manifest => manifestSchema.parse(JSON.parse(bytes.toString('utf8')));

const baseOf = ({ publicUrl }: DataPlane, request: Request): string =>
  publicUrl ?? `${request.protocol}://${request.get('host') ?? 'localhost'}`;

const noSuchFile = (what: string, name: string, set: DistilledSet): TeddyhubError =>
  new TeddyhubError(
    'NOT_FOUND',
    `Distilled set ${set.id} has no ${what} ${name.slice(0, 100)}: see its manifest.json.`,
  );
