/** Structured logs, one JSON line an entry, to standard error: standard output belongs to the command's answer. */
import { writeSync } from 'node:fs';
import { type Logger, pino } from 'pino';

export type Log = Logger;

export const createLog = (name: string, level: string): Log => pino({ name, level }, { write });

const STANDARD_ERROR = 2;
/** A pipe whose reader is slow is waited for, a second in all. */
const BUSY_MS = 10;
const MOST_TRIES = 100;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/**
 * At once and whole, so that nothing is lost where the process ends; what cannot be written, on a full disk or where nobody reads any more, is
 * dropped, and the service goes on. pino's own destination keeps it, tries no more once it has kept enough, and never ends to flush it.
 */
function write(line: string): void {
  let rest = Buffer.from(line);
  for (let tries = 0; rest.byteLength > 0; ) {
    try {
      rest = rest.subarray(writeSync(STANDARD_ERROR, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || ++tries > MOST_TRIES) return;
      Atomics.wait(sleeper, 0, 0, BUSY_MS);
    }
  }
}
