/** Writes outlive the database: a supervisor waits for it to come back, or to have room, while its child goes on computing. */
import { setTimeout as wait } from 'node:timers/promises';
import { hindranceOf, isDatabaseUnavailable } from '../src/platform/database/failures.js';
import type { Log } from '../src/platform/log.js';

const FIRST_DELAY_MS = 100;
const LAST_DELAY_MS = 2_000;

/**
 * Repeats `operation`, which must be harmless to repeat, for as long as the database is unavailable. Throws every other
 * error at once, and the last one when `signal` aborts.
 */
export async function insist<T>(operation: () => Promise<T>, log: Log, signal?: AbortSignal): Promise<T> {
  let delayMs = FIRST_DELAY_MS;
  for (;;) {
    try {
      return await operation();
    } catch (error) {
      if (signal?.aborted || !isDatabaseUnavailable(error)) throw error;
      if (delayMs === FIRST_DELAY_MS) log.warn({ reason: reasonOf(error) }, 'database unavailable, waiting for it');
    }
    await wait(delayMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    delayMs = Math.min(delayMs * 2, LAST_DELAY_MS);
  }
}

const reasonOf = (error: unknown): string => hindranceOf(error)?.message ?? String(error);
