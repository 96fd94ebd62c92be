import type { RequestContext } from '../modules/context.js';
import { createLoaders, type Repositories, type Services } from '../modules/index.js';
import { currentRequestId, currentTrace } from '../platform/telemetry/request-trace.js';

/** Throws UNAUTHENTICATED before anything of the request is looked at. */
export type CreateContext = (authorization: string | undefined) => Promise<RequestContext>;

/** The same for another event: with loaders that remember nothing. */
export type FreshContext = (context: RequestContext) => RequestContext;

export const freshContextFactory =
  (repositories: Repositories): FreshContext =>
  (context) => ({ ...context, loaders: createLoaders(repositories, context.viewer.projectId) });

export const contextFactory =
  (services: Services, repositories: Repositories): CreateContext =>
  async (authorization) => {
    const viewer = await services.authenticator.authenticate(authorization);
    const trace = currentTrace();
    if (trace) trace.facts.key = viewer.keyPrefix;
    return {
      requestId: currentRequestId(),
      viewer,
      services,
      loaders: createLoaders(repositories, viewer.projectId),
      rateLimit: null,
    };
  };
