/** Waits for a condition and not for a time. */
import { setTimeout as wait } from 'node:timers/promises';

/** Answers the first value of `look` that is neither false nor null nor undefined. Throws after `timeoutMs`. */
export async function until<T>(
  what: string,
  look: () => Promise<T | false | null | undefined> | T | false | null | undefined,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen !== false && seen !== null && seen !== undefined) return seen;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`);
    await wait(25);
  }
}
