/** What a resolver is given besides its arguments: made for one request, and gone with it. */
import type { Viewer } from '../domain/viewer.js';
import type { Loaders, Services } from './index.js';
import type { Caller } from './kit/mutation.js';
import type { RateLimit } from './project/rate-limit.type.js';

export interface RequestContext extends Caller {
  viewer: Viewer;
  requestId: string;
  services: Services;
  loaders: Loaders;
  /** What the key has left; null where there is no limit. */
  rateLimit: RateLimit | null;
}
