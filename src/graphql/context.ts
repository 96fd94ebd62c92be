import type { RequestContext } from '../modules/context.js';
import { createLoaders, type Loaders, type Repositories, type Services } from '../modules/index.js';
import { wholeRows } from '../modules/kit/columns.js';
import { currentRequestId, currentTrace } from '../platform/telemetry/request-trace.js';

/** Throws UNAUTHENTICATED before anything of the request is looked at. */
export type CreateContext = (authorization: string | undefined) => Promise<RequestContext>;

/** The same for another event: with loaders that remember nothing. */
export type FreshContext = (context: RequestContext) => RequestContext;

/** Loaders are made when the first of them is asked for: by then it is known what the operation needs. */
const withLoaders = (context: Omit<RequestContext, 'loaders'>, repositories: Repositories): RequestContext => {
  let loaders: Loaders | undefined;
  return {
    ...context,
    get loaders() {
      loaders ??= createLoaders(repositories, this.viewer.projectId, this.columns);
      return loaders;
    },
  };
};

export const freshContextFactory =
  (repositories: Repositories): FreshContext =>
  ({ requestId, viewer, services, rateLimit, columns }) =>
    withLoaders({ requestId, viewer, services, rateLimit, columns }, repositories);

export const contextFactory =
  (services: Services, repositories: Repositories): CreateContext =>
  async (authorization) => {
    const viewer = await services.authenticator.authenticate(authorization);
    const trace = currentTrace();
    if (trace) trace.facts.key = viewer.keyPrefix;
    const requestId = currentRequestId();
    return withLoaders({ requestId, viewer, services, rateLimit: null, columns: wholeRows }, repositories);
  };
