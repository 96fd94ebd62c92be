/** Structured logs, one JSON line an entry, to standard error: standard output belongs to the command's answer. */
import { type Logger, pino } from 'pino';

export type Log = Logger;

export const createLog = (name: string, level: string): Log =>
  pino({ name, level }, pino.destination({ dest: 2, sync: true }));
