/** What a resolver is given besides its arguments: made for one request, and gone with it. */
import type { Viewer } from '../domain/viewer.js';
import type { Log } from '../platform/log.js';
import type { Loaders, Services } from './index.js';
import type { Caller } from './kit/mutation.js';

export interface RequestContext extends Caller {
  viewer: Viewer;
  requestId: string;
  log: Log;
  services: Services;
  loaders: Loaders;
}
