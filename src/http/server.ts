/** One HTTP server: GraphQL, its sockets, the data plane, health. */
import { createServer, type Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import { expressMiddleware } from '@as-integrations/express5';
import cors from 'cors';
import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Router } from 'express';
import type { GraphQLSchema } from 'graphql';
import { TeddyhubError } from '../domain/errors.js';
import { admission } from '../graphql/admission.js';
import { createApollo } from '../graphql/apollo.js';
import type { CreateContext, FreshContext } from '../graphql/context.js';
import { explain, httpStatusOf, refusal } from '../graphql/errors.js';
import { RateLimiter } from '../graphql/rate-limit.js';
import { serveSockets } from '../graphql/sockets.js';
import { TrustedDocuments } from '../graphql/trusted-documents.js';
import type { Services } from '../modules/index.js';
import type { RequestLimits } from '../platform/config/env.js';
import type { Database } from '../platform/database/client.js';
import type { Log } from '../platform/log.js';
import type { ObjectStore } from '../platform/object-store/object-store.js';
import { currentRequestId } from '../platform/telemetry/request-trace.js';
import { dataPlaneRouter } from './data-plane.js';
import { checkReadiness } from './health.js';
import { LANDING_PAGE } from './landing-page.js';
import { traceRequests } from './request-log.js';
import { uploadsRouter } from './uploads.js';

export interface HttpOptions {
  host: string;
  port: number;
  /** Where a port is in use: whether the next ones are tried. */
  otherPorts: boolean;
  production: boolean;
  /** Where clients reach this service, if not where it listens. */
  publicUrl: string | undefined;
  allowedOrigins: readonly string[];
  /** A folder for what is made on request. */
  scratch: string;
  schema: GraphQLSchema;
  createContext: CreateContext;
  freshContext: FreshContext;
  limits: RequestLimits;
  services: Services;
  database: Database;
  store: ObjectStore;
  log: Log;
}

export interface HttpServer {
  url: string;
  /** Every path that is served beside /graphql. */
  routes: string[];
  readonly sockets: number;
  readonly subscriptions: number;
  close(): Promise<void>;
}

/** What a page of another origin may read of an answer beside its body and the few headers that it always may. */
const EXPOSED_HEADERS = [
  ...['Accept-Ranges', 'Content-Range', 'ETag', 'Retry-After', 'x-request-id'],
  ...['limit', 'cost', 'remaining', 'reset'].map((name) => `x-ratelimit-${name}`),
];
/** Seconds that a browser keeps the answer to its preflight. */
const PREFLIGHT_SECONDS = 600;

const BODY_LIMIT = '256kb';
const PORTS_TRIED = 20;
const TRUSTED_DOCUMENTS = fileURLToPath(new URL('../../../clients/typescript/documents.json', import.meta.url));

/** Throws BAD_CONFIGURATION when the port cannot be had. */
export async function serveHttp(options: HttpOptions): Promise<HttpServer> {
  const { schema, createContext, services, database, store, log, production, limits } = options;
  const app = express();
  const httpServer = createServer(app);
  const documents = await TrustedDocuments.load(TRUSTED_DOCUMENTS, limits.trustedDocumentsOnly);
  const admit = admission(schema, new RateLimiter(limits.pointsPerMinute), documents, production);
  const apollo = createApollo({ schema, httpServer, admit, log, production });
  await apollo.start();
  let closing = false;

  app.disable('x-powered-by');
  // Nobody asks again for the same answer of /graphql: a digest of each would be for nothing.
  app.set('etag', false);
  app.use(traceRequests(log, limits.requestMs));
  if (options.allowedOrigins.length > 0) app.use(crossOrigin(options.allowedOrigins));
  app.get('/livez', (_request, response) => void response.json({ alive: true }));
  app.get('/readyz', async (_request, response) => {
    const readiness = await checkReadiness(database, store);
    const ready = readiness.ready && !closing;
    response.status(ready ? 200 : 503).json({ ...readiness, ready });
  });
  if (!production) app.get('/', (_request, response) => void response.type('html').send(LANDING_PAGE));
  app.use(
    dataPlaneRouter({
      database,
      store,
      log,
      publicUrl: options.publicUrl,
      scratch: options.scratch,
      authenticate: (header) => services.authenticator.authenticate(header),
      tokens: services.tokenAuthenticator,
    }),
  );
  app.use(uploadsRouter(services, log));
  app.use(
    '/graphql',
    express.json({ limit: BODY_LIMIT }),
    textOfDocument(documents),
    expressMiddleware(apollo, {
      context: ({ req }) =>
        createContext(req.headers.authorization).catch((error: unknown) => {
          const known = explain(error);
          throw known.code === 'INTERNAL' ? error : refusal(known);
        }),
    }),
  );
  refuseTheRest(app, log);
  const sockets = serveSockets({ ...options, httpServer, admit, documents, keys: services.authenticator });

  const url = await listen(httpServer, options);
  return {
    url,
    routes: routesOf(app.router),
    get sockets() {
      return sockets.sockets;
    },
    get subscriptions() {
      return sockets.subscriptions;
    },
    async close() {
      closing = true;
      // Stops to accept, and waits for answers under way, then for idle connections, while the sockets say goodbye.
      await Promise.all([sockets.close(), apollo.stop()]);
    },
  };
}

/** Keys travel in a header of their own and no cookies are used, so that an origin gains nothing without one. */
const crossOrigin = (origins: readonly string[]): RequestHandler =>
  cors({
    origin: origins.includes('*') ? '*' : [...origins],
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: PREFLIGHT_SECONDS,
  });

/** A client may name a trusted document by its digest, as `documentId`, in place of its text. */
const textOfDocument =
  (documents: TrustedDocuments): RequestHandler =>
  (request, _response, next) => {
    const body = request.body as { documentId?: unknown; query?: unknown } | undefined;
    if (typeof body?.documentId === 'string' && body.query === undefined)
      body.query = documents.resolve(body.documentId);
    next();
  };

/** The paths of a router and of those within it. */
function routesOf({ stack }: Pick<Router, 'stack'>): string[] {
  return stack.flatMap(({ route, handle }) => {
    if (route) return [route.path];
    return 'stack' in handle ? routesOf(handle as unknown as Router) : [];
  });
}

function refuseTheRest(app: Express, log: Log): void {
  const answer = (code: string, message: string) => ({
    errors: [{ message, extensions: { code, requestId: currentRequestId() } }],
  });
  app.use((_request, response) => {
    response.status(404).json(answer('NOT_FOUND', 'There is nothing here: the API answers at /graphql.'));
  });
  const onError: ErrorRequestHandler = (
    error: { status?: number; type?: string; message?: string },
    _request,
    response,
    _next,
  ) => {
    // What express says of a path that it cannot decode, and of a body that is too large, or is no JSON.
    if (error.status !== undefined && error.status < 500) {
      const ofBody =
        error.type === 'entity.too.large'
          ? `A request has at most ${BODY_LIMIT}.`
          : 'The body of the request is not valid JSON.';
      const message = error instanceof URIError ? 'The path of this URL is malformed.' : ofBody;
      response.status(error.status).json(answer('BAD_USER_INPUT', message));
      return;
    }
    const { code, message } = explain(error);
    if (code === 'INTERNAL') log.error({ err: error, requestId: currentRequestId() }, 'request failed');
    response.status(httpStatusOf(code)).json(answer(code, message));
  };
  app.use(onError);
}

async function listen(server: Server, { host, port, otherPorts, log }: HttpOptions): Promise<string> {
  for (let candidate = port; ; candidate++) {
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(candidate, host, () => {
          server.off('error', reject);
          resolve();
        });
      });
      break;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EADDRINUSE' && otherPorts && port !== 0 && candidate < Math.min(65_535, port + PORTS_TRIED)) {
        log.info({ port: candidate }, 'port is in use, trying the next one');
        continue;
      }
      throw new TeddyhubError('BAD_CONFIGURATION', whyNot(code, host, candidate), { cause: error });
    }
  }
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${bound}`;
}

function whyNot(code: string | undefined, host: string, port: number): string {
  if (code === 'EADDRINUSE') return `PORT: ${port} is in use by another process: stop it, or choose another port.`;
  if (code === 'EACCES')
    return `PORT: ${port} needs privileges that this process does not have: choose one above 1023.`;
  return `TEDDYHUB_HOST: ${host} port ${port} cannot be listened on (${code ?? 'unknown error'}).`;
}
