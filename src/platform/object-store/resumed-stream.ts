/** One stream out of as many answers as it takes: what breaks is asked for again from where it broke. */
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import type { ByteRange } from './object-store.js';
import { delayBefore, type Patience } from './retry.js';

/**
 * `open` answers a stream of the range. Objects never change under their key, so that the second half fits the first. Fails
 * with what `explain` makes of the error when `attempts` in a row bring nothing.
 */
export function resumedStream(
  range: ByteRange,
  first: Readable,
  open: (range: ByteRange) => Promise<Readable>,
  patience: Patience,
  isTransient: (error: unknown) => boolean,
  explain: (error: unknown) => unknown,
): Readable {
  return Readable.from(read(), { objectMode: false });

  async function* read(): AsyncGenerator<Buffer> {
    let { start, length } = range;
    let source: Readable | undefined = first;
    for (let tried = 1; length > 0; tried++) {
      try {
        source ??= await open({ start, length });
        for await (const chunk of source as AsyncIterable<Buffer>) {
          start += chunk.byteLength;
          length -= chunk.byteLength;
          tried = 1;
          yield chunk;
        }
        if (length > 0) throw Object.assign(new Error('the answer ended early'), { code: 'ECONNRESET' });
      } catch (error) {
        source?.destroy();
        source = undefined;
        if (tried >= patience.attempts || !isTransient(error)) throw explain(error);
        await wait(delayBefore(patience, tried));
      }
    }
  }
}
