import type { Viewer } from '../domain/viewer.js';
import type { RequestContext } from '../modules/context.js';
import { createLoaders, type Loaders, type Repositories, type Services } from '../modules/index.js';
import { type ColumnsOf, wholeRows } from '../modules/kit/columns.js';
import type { RateLimit } from '../modules/project/rate-limit.type.js';
import { currentRequestId, currentTrace } from '../platform/telemetry/request-trace.js';

/** Throws UNAUTHENTICATED before anything of the request is looked at. */
export type CreateContext = (authorization: string | undefined) => Promise<RequestContext>;

/** The same for another event: with loaders that remember nothing. */
export type FreshContext = (context: RequestContext) => RequestContext;

/** Apollo works on a copy of its own properties, with its class: so nothing is made of a getter before it is asked for. */
class Context implements RequestContext {
  rateLimit: RateLimit | null = null;
  columns: ColumnsOf = wholeRows;
  private made: Loaders | undefined;

  constructor(
    readonly requestId: string,
    readonly viewer: Viewer,
    readonly services: Services,
    private readonly repositories: Repositories,
  ) {}

  /** Made when the first of them is asked for: by then it is known what the operation needs. */
  get loaders(): Loaders {
    this.made ??= createLoaders(this.repositories, this.viewer.projectId, this.columns);
    return this.made;
  }

  forget(): void {
    this.made = undefined;
  }
}

export const freshContextFactory =
  (repositories: Repositories): FreshContext =>
  ({ requestId, viewer, services, rateLimit, columns }) =>
    Object.assign(new Context(requestId, viewer, services, repositories), { rateLimit, columns });

export const contextFactory =
  (services: Services, repositories: Repositories): CreateContext =>
  async (authorization) => {
    const viewer = await services.authenticator.authenticate(authorization);
    const trace = currentTrace();
    if (trace) trace.facts.key = viewer.keyPrefix;
    return new Context(currentRequestId(), viewer, services, repositories);
  };
