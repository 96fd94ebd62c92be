/** Waiting for one of several things to happen, without leaving anything behind with those that do not. */
import { createDeferred } from './deferred.js';

export interface Bell {
  readonly ring: () => void;
  /** Forgets what rang so far. Call it before looking, so that news which come while looking ring again. */
  reset(): void;
  /** Resolves once it has been rung since the last reset; after `timeoutMs` in any case. */
  heard(timeoutMs?: number): Promise<void>;
}

export function createBell(): Bell {
  let rung = createDeferred();
  const ring = () => rung.resolve();
  return {
    ring,
    reset() {
      rung = createDeferred();
    },
    async heard(timeoutMs) {
      const timer = timeoutMs === undefined ? undefined : setTimeout(ring, timeoutMs);
      await rung.promise;
      clearTimeout(timer);
    },
  };
}
