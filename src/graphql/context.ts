import type { RequestContext } from '../modules/context.js';
import { createLoaders, type Repositories, type Services } from '../modules/index.js';
import type { Log } from '../platform/log.js';
import { currentRequestId } from './request-id.js';

/** Throws UNAUTHENTICATED before anything of the request is looked at. */
export type CreateContext = (authorization: string | undefined) => Promise<RequestContext>;

export const contextFactory =
  (services: Services, repositories: Repositories, log: Log): CreateContext =>
  async (authorization) => {
    const viewer = await services.authenticator.authenticate(authorization);
    const requestId = currentRequestId();
    return {
      requestId,
      viewer,
      services,
      loaders: createLoaders(repositories, viewer.projectId),
      log: log.child({ requestId, key: viewer.keyPrefix }),
    };
  };
