import type { Worker } from '../../platform/database/generated/client.js';

/** A worker beats every second or so; after this long it counts as gone. */
export const SILENCE_MS = 30_000;

export const isAlive = (worker: Pick<Worker, 'state' | 'heartbeatAt'>): boolean =>
  worker.state !== 'STOPPED' && Date.now() - worker.heartbeatAt.getTime() < SILENCE_MS;
