/**
 * Subscriptions over graphql-transport-ws. Operations come here past Apollo and its plugins, so the key and all limits are
 * checked here as well.
 */
import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import {
  type ExecutionArgs,
  type FormattedExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import type { SubscribePayload } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import type { Log } from '../platform/log.js';
import type { CreateContext } from './context.js';
import { maskError } from './errors.js';
import { assertAffordable, LIMITS, shapeLimits } from './limits.js';
import { withRequestId } from './request-id.js';

const MAX_MESSAGE_BYTES = 256 * 1024;
const MAX_SUBSCRIPTIONS = 20;

/** Returns what ends all sockets with 1001, so that clients come back to another process. */
export function serveSockets(options: {
  schema: GraphQLSchema;
  httpServer: Server;
  createContext: CreateContext;
  log: Log;
}): () => Promise<void> {
  const { schema, httpServer, createContext, log } = options;
  const socketServer = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES });
  httpServer.on('upgrade', (request, socket, head) => {
    if (request.url?.split('?')[0] !== '/graphql') return void socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
    socketServer.handleUpgrade(request, socket, head, (webSocket) => {
      socketServer.emit('connection', webSocket, request);
    });
  });
  const mask = (errors: readonly GraphQLError[]) => errors.map((error) => maskError(error, randomUUID(), log));
  const server = useServer(
    {
      schema,
      connectionInitWaitTimeout: 3_000,
      onConnect: ({ connectionParams }) =>
        createContext(keyOf(connectionParams)).then(
          () => true,
          () => false,
        ),
      onSubscribe: async ({ connectionParams, subscriptions }, _id, payload) => {
        try {
          if (Object.keys(subscriptions).length > MAX_SUBSCRIPTIONS) {
            throw refused(`A socket carries at most ${MAX_SUBSCRIPTIONS} subscriptions.`, 'BAD_USER_INPUT');
          }
          const operation = prepare(schema, payload);
          const requestId = randomUUID();
          // The key may have been revoked since the socket was opened.
          const contextValue = await withRequestId(requestId, () => createContext(keyOf(connectionParams)));
          return { ...operation, contextValue };
        } catch (error) {
          const errors: unknown[] = error instanceof AggregateError ? error.errors : [error];
          return errors.map(toGraphQLError);
        }
      },
      onError: (_context, _id, _payload, errors) => mask(errors),
      onNext: (_context, _id, _payload, _args, { data, errors }): FormattedExecutionResult | undefined =>
        errors && { data: data ?? null, errors: mask(errors) },
    },
    socketServer,
  );
  return async () => {
    await server.dispose();
  };
}

/** Throws what is wrong with an operation: an AggregateError of GraphQL errors, or one. */
function prepare(schema: GraphQLSchema, { query, operationName, variables }: SubscribePayload): ExecutionArgs {
  const document = parse(query, { maxTokens: LIMITS.tokens });
  const errors = validate(schema, document, [...specifiedRules, shapeLimits]);
  if (errors.length > 0) throw new AggregateError(errors);
  if (getOperationAST(document, operationName)?.operation !== 'subscription') {
    throw refused('A socket carries subscriptions only: send queries and mutations over HTTP.', 'BAD_USER_INPUT');
  }
  assertAffordable(schema, document, operationName, variables);
  return { schema, document, operationName: operationName ?? null, variableValues: variables ?? null };
}

const refused = (message: string, code: string): GraphQLError => new GraphQLError(message, { extensions: { code } });

const toGraphQLError = (error: unknown): GraphQLError =>
  error instanceof GraphQLError
    ? error
    : new GraphQLError('The operation was refused.', { originalError: error instanceof Error ? error : null });

/** Browsers cannot set headers on a socket, so the key comes in the first message. */
function keyOf(parameters: Record<string, unknown> | undefined): string | undefined {
  const key = parameters?.authorization ?? parameters?.Authorization ?? parameters?.apiKey;
  return typeof key === 'string' ? key : undefined;
}
