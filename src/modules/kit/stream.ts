/** What a subscription hands out: a stream that can be given up while it waits. */
export function abortable<T>(
  start: (signal: AbortSignal) => AsyncGenerator<T, void, undefined>,
): AsyncIterableIterator<T> {
  const ended = new AbortController();
  const items = start(ended.signal);
  const iterator: AsyncIterableIterator<T> = {
    [Symbol.asyncIterator]: () => iterator,
    next: () => items.next(),
    // A generator that waits hears of its end only when it goes on: the signal wakes it.
    return: () => {
      ended.abort();
      return items.return();
    },
  };
  return iterator;
}

/** A stream that has ended. */
export async function* nothing(): AsyncGenerator<never> {}
