/** Structured logs, one JSON line an entry, to standard error: standard output belongs to the command's answer. */
import { type Logger, pino } from 'pino';

export type Log = Logger;

/** What is kept for a standard error that takes nothing, such as a file on a full disk; what is more is dropped. */
const MOST_KEPT = 2 ** 20;

export function createLog(name: string, level: string): Log {
  const lines = pino.destination({ dest: 2, sync: true, maxLength: MOST_KEPT });
  // A service that cannot log goes on: unheard, the error would end the process.
  lines.on('error', () => undefined);
  return pino({ name, level }, lines);
}
