import type { Server } from 'node:http';
import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { ApolloServerPluginDrainHttpServer } from '@apollo/server/plugin/drainHttpServer';
import type { GraphQLSchema } from 'graphql';
import type { RequestContext } from '../modules/context.js';
import type { Log } from '../platform/log.js';
import { maskError } from './errors.js';
import { assertAffordable, LIMITS, shapeLimits } from './limits.js';
import { currentRequestId } from './request-id.js';

export function createApollo(options: {
  schema: GraphQLSchema;
  httpServer: Server;
  log: Log;
  production: boolean;
}): ApolloServer<RequestContext> {
  const { schema, httpServer, log, production } = options;
  return new ApolloServer<RequestContext>({
    schema,
    introspection: !production,
    hideSchemaDetailsFromClientErrors: production,
    includeStacktraceInErrorResponses: false,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    parseOptions: { maxTokens: LIMITS.tokens },
    validationRules: [shapeLimits],
    stopOnTerminationSignals: false,
    logger: log,
    plugins: [
      costLimit(schema),
      ApolloServerPluginDrainHttpServer({ httpServer, stopGracePeriodMillis: 5_000 }),
      ApolloServerPluginLandingPageDisabled(),
    ],
    formatError: (_formatted, error) => maskError(error, currentRequestId(), log),
  });
}

const costLimit = (schema: GraphQLSchema): ApolloServerPlugin<RequestContext> => ({
  requestDidStart: async () => ({
    didResolveOperation: async ({ document, operationName, request }) =>
      assertAffordable(schema, document, operationName, request.variables),
  }),
});
