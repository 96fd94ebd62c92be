import type { Server } from 'node:http';
import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import { ApolloServerPluginDrainHttpServer } from '@apollo/server/plugin/drainHttpServer';
import type { GraphQLSchema } from 'graphql';
import { TeddyhubError } from '../domain/errors.js';
import type { RequestContext } from '../modules/context.js';
import type { Log } from '../platform/log.js';
import { currentRequestId } from '../platform/telemetry/request-trace.js';
import type { Admit } from './admission.js';
import { maskError, refusal } from './errors.js';
import { LIMITS, shapeLimits } from './limits.js';
import { rateLimitHeaders } from './rate-limit.js';

export function createApollo(options: {
  schema: GraphQLSchema;
  httpServer: Server;
  admit: Admit;
  log: Log;
  production: boolean;
}): ApolloServer<RequestContext> {
  const { schema, httpServer, admit, log, production } = options;
  return new ApolloServer<RequestContext>({
    schema,
    introspection: !production,
    hideSchemaDetailsFromClientErrors: production,
    includeStacktraceInErrorResponses: false,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    // Texts that anybody registers are no safelist: see trusted-documents.ts.
    persistedQueries: false,
    parseOptions: { maxTokens: LIMITS.tokens },
    validationRules: [shapeLimits],
    stopOnTerminationSignals: false,
    logger: log,
    plugins: [
      admitting(admit),
      ApolloServerPluginDrainHttpServer({ httpServer, stopGracePeriodMillis: 5_000 }),
      ApolloServerPluginLandingPageDisabled(),
      // It would wrap the resolver of every field, for hints that nobody gives.
      ApolloServerPluginCacheControlDisabled(),
    ],
    formatError: (_formatted, error) => maskError(error, currentRequestId(), log),
  });
}

const admitting = (admit: Admit): ApolloServerPlugin<RequestContext> => ({
  requestDidStart: async () => ({
    didResolveOperation: async ({ contextValue, source, document, operation, operationName, request, response }) => {
      // It would run as a query, past what its `subscribe` checks.
      if (operation?.operation === 'subscription') {
        throw refusal({ code: 'BAD_USER_INPUT', message: 'Subscriptions go over the socket: docs/api.md tells how.' });
      }
      try {
        admit(contextValue, { text: source, document, operationName, variables: request.variables });
      } catch (error) {
        throw error instanceof TeddyhubError ? refusal(error) : error;
      }
      for (const header of contextValue.rateLimit ? rateLimitHeaders(contextValue.rateLimit) : []) {
        response.http.headers.set(...header);
      }
    },
  }),
});
