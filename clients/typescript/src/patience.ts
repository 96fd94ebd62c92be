/** When to try again: later each time, and never all clients at once. */
const FIRST_MS = 100;
const LAST_MS = 5_000;
/** A service that is away for longer is not restarting. */
export const PATIENCE_MS = 60_000;

/** Milliseconds before the next try, after `failures` of them: doubling, with up to half of it by chance. */
export function backoff(failures: number): number {
  const full = Math.min(LAST_MS, FIRST_MS * 2 ** Math.min(failures, 10));
  return full / 2 + (Math.random() * full) / 2;
}

/** Throws the signal's reason when it aborts first. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const done = () => {
      signal?.removeEventListener('abort', stop);
      resolve();
    };
    const timer = setTimeout(done, ms);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', stop, { once: true });
  });
}
