/**
 * The look for jobs whose worker is gone. After a time without the database every job seems so, until its worker has been able to
 * say that it is alive: nobody looks until the database has answered for as long as a heartbeat may take.
 */
import { setTimeout as wait } from 'node:timers/promises';

export interface Sweep {
  /** Offers lost jobs again. Rejects where the database does not answer. */
  look: () => Promise<unknown>;
  /** Asks the database anything. */
  ask: () => Promise<unknown>;
  everyMs: number;
  /** How long a job may be without a heartbeat. */
  heartbeatMs: number;
  /** What `look` throws, and `ask`. */
  onError: (error: unknown) => void;
}

/** Goes on until `signal` aborts. */
export async function sweepUntil(
  signal: AbortSignal,
  { look, ask, everyMs, heartbeatMs, onError }: Sweep,
): Promise<void> {
  /** Since when the database has answered without a gap. A process that has just started may have been started by the end of one. */
  let answeringSince = Number.POSITIVE_INFINITY;
  let answeredAt = performance.now();
  let wallAt = Date.now();
  while (!signal.aborted) {
    await wait(everyMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    // The wall's clock goes on where the machine sleeps, and the database goes by it; it may be set back as well.
    const gap = Math.max(performance.now() - answeredAt, Date.now() - wallAt);
    const isPause = gap > everyMs + heartbeatMs / 2;
    if (isPause) answeringSince = Number.POSITIVE_INFINITY;
    try {
      await (performance.now() - answeringSince > heartbeatMs ? look() : ask());
      answeredAt = performance.now();
      wallAt = Date.now();
      if (answeringSince > answeredAt) answeringSince = answeredAt;
    } catch (error) {
      answeringSince = Number.POSITIVE_INFINITY;
      if (!signal.aborted) onError(error);
    }
  }
}
