import type { RequestContext } from '../modules/context.js';
import { createLoaders, type Loaders, type Repositories, type Services } from '../modules/index.js';
import { currentRequestId, currentTrace } from '../platform/telemetry/request-trace.js';

/** Throws UNAUTHENTICATED before anything of the request is looked at. */
export type CreateContext = (authorization: string | undefined) => Promise<RequestContext>;

/** The same for another event: with loaders that remember nothing, made when the first of them is asked for. */
export type FreshContext = (context: RequestContext) => RequestContext;

export const freshContextFactory =
  (repositories: Repositories): FreshContext =>
  ({ requestId, viewer, services, rateLimit }) => {
    let loaders: Loaders | undefined;
    return {
      requestId,
      viewer,
      services,
      rateLimit,
      get loaders() {
        loaders ??= createLoaders(repositories, viewer.projectId);
        return loaders;
      },
    };
  };

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
