/**
 * Subscriptions over graphql-transport-ws. Operations come here past Apollo and its plugins, so the key and all limits are
 * checked here as well.
 */
import type { Server } from 'node:http';
import { type ExecutionArgs, type FormattedExecutionResult, GraphQLError, type GraphQLSchema } from 'graphql';
import type { SubscribePayload } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import type { RequestLimits } from '../platform/config/env.js';
import type { Log } from '../platform/log.js';
import { currentRequestId, RequestTrace } from '../platform/telemetry/request-trace.js';
import type { Admit } from './admission.js';
import type { CreateContext, FreshContext } from './context.js';
import { maskError } from './errors.js';
import {
  assertSubscription,
  documentReader,
  refused,
  runSubscription,
  type SubscriptionArgs,
} from './socket-operations.js';
import { CLOSE, type Keys, SocketRegistry } from './socket-registry.js';
import type { TrustedDocuments } from './trusted-documents.js';

const MAX_MESSAGE_BYTES = 256 * 1024;
/** A peer that does not answer its close, a sleeping laptop say, holds up the end of the service for so long. */
const CLOSE_MS = 2_000;

export interface SocketServer {
  readonly sockets: number;
  readonly subscriptions: number;
  /** Ends all sockets with 1001, so that clients come back to another process. */
  close(): Promise<void>;
}

export interface SocketOptions {
  schema: GraphQLSchema;
  httpServer: Server;
  production: boolean;
  createContext: CreateContext;
  freshContext: FreshContext;
  keys: Keys;
  admit: Admit;
  documents: TrustedDocuments;
  limits: RequestLimits;
  log: Log;
}

/** The types of ws lack `closeTimeout`. */
const SOCKETS = { noServer: true, maxPayload: MAX_MESSAGE_BYTES, closeTimeout: CLOSE_MS };

export function serveSockets(options: SocketOptions): SocketServer {
  const { schema, httpServer, production, createContext, freshContext, keys, admit, documents, limits, log } = options;
  const socketServer = new WebSocketServer(SOCKETS);
  const registry = new SocketRegistry(keys, limits.socketsPerKey, log);
  const read = documentReader(schema, production);
  httpServer.on('upgrade', (request, socket, head) => {
    // Node listens no longer, and a connection that breaks while nobody does would end the process.
    socket.on('error', () => socket.destroy());
    if (request.url?.split('?')[0] !== '/graphql') return void socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
    socketServer.handleUpgrade(request, socket, head, (webSocket) => {
      socketServer.emit('connection', webSocket, request);
    });
  });
  const masked = (error: unknown, requestId: string): GraphQLError => {
    const { message, extensions } = maskError(error, requestId, log);
    return new GraphQLError(message, { extensions: extensions ?? null });
  };

  const prepare = async (
    parameters: Record<string, unknown> | undefined,
    { query, operationName, variables, extensions }: SubscribePayload,
    trace: RequestTrace,
  ): Promise<SubscriptionArgs> => {
    const digest = extensions?.documentId;
    const text = query === '' && typeof digest === 'string' ? documents.resolve(digest) : query;
    const document = read(text);
    assertSubscription(document, operationName);
    // The key may have been revoked since the socket was opened.
    const contextValue = await createContext(keyOf(parameters));
    admit(contextValue, { text, document, operationName, variables });
    const variableValues = variables ?? null;
    return { schema, document, operationName: operationName ?? null, variableValues, contextValue, trace };
  };

  const server = useServer<Record<string, unknown>>(
    {
      schema,
      connectionInitWaitTimeout: 3_000,
      onConnect: async (context) => {
        const { socket } = context.extra;
        try {
          const { viewer } = await createContext(keyOf(context.connectionParams));
          if (registry.enter(socket, viewer.keyPrefix, context)) return true;
          socket.close(CLOSE.TOO_MANY, `A key has at most ${limits.socketsPerKey} sockets.`);
        } catch (error) {
          // Only a key that does not work is a final answer.
          const { code } = maskError(error, currentRequestId(), log).extensions ?? {};
          if (code !== 'UNAUTHENTICATED') socket.close(CLOSE.TRY_AGAIN, 'The service is not ready: try again.');
        }
        return false;
      },
      onClose: ({ extra }) => registry.leave(extra.socket),
      onSubscribe: async ({ connectionParams, extra }, _id, payload) => {
        const trace = new RequestTrace();
        return trace.run(async () => {
          try {
            const excess = registry.excess(extra.socket);
            if (excess !== null) throw refused(excess);
            return await prepare(connectionParams, payload, trace);
          } catch (error) {
            const errors: unknown[] = error instanceof AggregateError ? error.errors : [error];
            const shown = errors.map((one) => masked(one, trace.requestId));
            log.info(trace.line(), 'subscription');
            return shown;
          }
        });
      },
      subscribe: (args) => runSubscription(args as SubscriptionArgs, freshContext, log),
      // What was refused above is masked already, under the id of its trace.
      onError: (_context, _id, _payload, errors) =>
        errors.map((error) => (error.extensions.requestId ? error : masked(error, currentRequestId())).toJSON()),
      onNext: (_context, _id, _payload, args, { data, errors }): FormattedExecutionResult | undefined =>
        errors && { data: data ?? null, errors: errors.map((error) => maskError(error, requestIdOf(args), log)) },
    },
    socketServer,
    limits.pingMs,
  );
  return {
    get sockets() {
      return registry.sockets;
    },
    get subscriptions() {
      return registry.subscriptions;
    },
    async close() {
      registry.close();
      await server.dispose();
    },
  };
}

const requestIdOf = (args: ExecutionArgs): string => (args as SubscriptionArgs).trace.requestId;

/** Browsers cannot set headers on a socket, so the key comes in the first message. */
function keyOf(parameters: Record<string, unknown> | undefined): string | undefined {
  const key = parameters?.authorization ?? parameters?.Authorization ?? parameters?.apiKey;
  return typeof key === 'string' ? key : undefined;
}
