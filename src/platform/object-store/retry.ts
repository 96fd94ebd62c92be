/** Repeats what may succeed the next time, ever later and never in step with others. */
import { setTimeout as wait } from 'node:timers/promises';

export interface Backoff {
  /** Tries altogether. */
  attempts: number;
  baseDelayMs: number;
  maxDelayMs: number;
}

export interface Patience extends Backoff {
  /** A connection on which nothing has moved for this long is given up. */
  idleMs: number;
}

/** About half a minute of an outage, at most. */
export const PATIENCE: Patience = { attempts: 8, baseDelayMs: 100, maxDelayMs: 10_000, idleMs: 30_000 };

/**
 * Runs `work` until it succeeds, fails for good, or has been tried `attempts` times. The delay is uniform in [0, base * 2^n]
 * ("full jitter"): workers that lost the store together do not come back together.
 */
export async function withRetries<T>(
  patience: Backoff,
  isTransient: (error: unknown) => boolean,
  work: () => Promise<T>,
): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await work();
    } catch (error) {
      if (tried >= patience.attempts || !isTransient(error)) throw error;
      await wait(delayBefore(patience, tried));
    }
  }
}

export const delayBefore = ({ baseDelayMs, maxDelayMs }: Backoff, tried: number): number =>
  Math.random() * Math.min(maxDelayMs, baseDelayMs * 2 ** tried);
