/** The one connection of a process that hears of new run events. */
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { createDeferred } from '../deferred.js';
import type { Log } from '../log.js';
import { RUN_EVENTS_CHANNEL } from '../orchestration/run-log.js';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;

export interface Listener {
  databaseUrl: string;
  log: Log;
  onNews: (runId: string) => void;
  /** Notifications may have been missed while there was no connection. */
  onConnected: () => void;
}

/** Listens until `signal` aborts; a broken connection is opened again, later each time. Never throws. */
export async function listenForRunNews(signal: AbortSignal, listener: Listener): Promise<void> {
  let retryMs = FIRST_RETRY_MS;
  while (!signal.aborted) {
    try {
      await listenOnce(signal, listener, () => {
        retryMs = FIRST_RETRY_MS;
      });
    } catch (error) {
      listener.log.warn({ reason: error instanceof Error ? error.message : String(error) }, 'event listener lost');
    }
    await wait(retryMs, undefined, { signal }).catch(() => undefined);
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
  }
}

/** Listens until the connection breaks, which throws, or `signal` aborts. */
async function listenOnce(signal: AbortSignal, listener: Listener, onListening: () => void): Promise<void> {
  const client = new pg.Client({
    connectionString: listener.databaseUrl,
    application_name: 'teddyhub-events',
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  });
  const broken = createDeferred();
  // Handlers before the connection: an unheard 'error' event would end the process.
  client.on('error', broken.reject);
  client.on('end', () => broken.reject(new Error('connection ended')));
  client.on('notification', ({ payload }) => {
    if (payload !== undefined) listener.onNews(payload);
  });
  const stop = () => broken.resolve();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await client.connect();
    await client.query(`LISTEN ${RUN_EVENTS_CHANNEL}`);
    onListening();
    listener.onConnected();
    await broken.promise;
  } finally {
    signal.removeEventListener('abort', stop);
    broken.promise.catch(() => undefined);
    await client.end().catch(() => undefined);
  }
}
