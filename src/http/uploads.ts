/** Parts of uploaded files, where the object store has no URLs that take them. */
import express, { type NextFunction, type Request, type RequestHandler, type Response, Router } from 'express';
import { TeddyhubError } from '../domain/errors.js';
import { MAX_RELAYED_BYTES } from '../modules/dataset/upload.service.js';
import type { Services } from '../modules/index.js';
import { assertAllowed } from '../modules/kit/permissions.js';
import type { Log } from '../platform/log.js';
import { sendError } from './failures.js';

export function uploadsRouter(
  { authenticator, uploads }: Pick<Services, 'authenticator' | 'uploads'>,
  log: Log,
): Router {
  const router = Router();
  const path = '/v1/uploads/:id/parts/:number';
  // The key, and what it may do, is looked at before a byte of the body is read.
  const authenticate: RequestHandler = async (request, response, next) => {
    const viewer = await authenticator.authenticate(request.headers.authorization);
    assertAllowed(viewer, 'dataset:import');
    response.locals.viewer = viewer;
    next();
  };
  // And so is the part: its body may have 256 MiB.
  const expect: RequestHandler = (request, response, next) => {
    const { id, number } = request.params as { id: string; number: string };
    uploads.expectPart(response.locals.viewer, id, Number(number), Number(request.get('content-length') ?? 0));
    next();
  };
  router.put(
    path,
    authenticate,
    expect,
    express.raw({ type: () => true, limit: MAX_RELAYED_BYTES, inflate: false }),
    async (request, response) => {
      const { id, number } = request.params as { id: string; number: string };
      const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const tag = await uploads.putPart(response.locals.viewer, id, Number(number), bytes);
      response.set('ETag', `"${tag}"`).status(200).end();
    },
  );
  router.use(path, (error: unknown, _request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) return next(error);
    sendError(asFailure(error), response, log);
  });
  return router;
}

/** A body that is too large, or packed in a way that express does not know, before any of our code sees it; all else as it is. */
function asFailure(error: unknown): unknown {
  const { status, type } = (error ?? {}) as { status?: unknown; type?: unknown };
  if (typeof status !== 'number' || status >= 500) return error;
  const message =
    type === 'entity.too.large'
      ? `A part has at most ${MAX_RELAYED_BYTES / 2 ** 20} MiB.`
      : 'The body of this part cannot be read: send its bytes as they are.';
  return new TeddyhubError('INVALID_INPUT', message, { cause: error });
}
