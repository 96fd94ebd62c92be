/** Gives every request an id, a deadline, and one line in the log. */
import { setMaxListeners } from 'node:events';
import type { RequestHandler } from 'express';
import type { Log } from '../platform/log.js';
import { RequestTrace } from '../platform/telemetry/request-trace.js';

/** What looks after the service asks these every few seconds. */
const PROBES = new Set(['/livez', '/readyz']);

export const traceRequests =
  (log: Log, requestMs: number): RequestHandler =>
  (request, response, next) => {
    const over = new AbortController();
    // Every statement under way listens.
    setMaxListeners(0, over.signal);
    let timer: NodeJS.Timeout | undefined;
    const clock = {
      start: () => {
        timer = setTimeout(() => over.abort(), requestMs);
      },
      stop: () => clearTimeout(timer),
    };
    clock.start();
    const trace = new RequestTrace(over.signal, clock);
    response.set({ 'x-request-id': trace.requestId, 'x-content-type-options': 'nosniff' });
    const { method, path } = request;
    response.once('close', () => {
      clock.stop();
      const { statusCode: status, writableFinished } = response;
      const line = { method, path, status, ...trace.line(), ...(writableFinished ? {} : { aborted: true }) };
      log[PROBES.has(path) ? 'debug' : 'info'](line, 'request');
    });
    trace.run(next);
  };
