/** What a resolver is given besides its arguments: made for one request, and gone with it. */
import type { Viewer } from '../domain/viewer.js';
import type { Loaders, Services } from './index.js';
import type { ColumnsOf } from './kit/columns.js';
import type { Caller } from './kit/mutation.js';
import type { RateLimit } from './project/rate-limit.type.js';

export interface RequestContext extends Caller {
  viewer: Viewer;
  requestId: string;
  services: Services;
  loaders: Loaders;
  /** Has the loaders made anew, so that what they remember is not from before a write. */
  forget(): void;
  /** What the operation needs of the rows that it reads; before it is known, and where it is not sure, all. */
  columns: ColumnsOf;
  /** What the key has left; null where there is no limit. */
  rateLimit: RateLimit | null;
}

/** Who reads, and how much of the rows. */
export type Reader = Pick<RequestContext, 'viewer' | 'columns'>;
