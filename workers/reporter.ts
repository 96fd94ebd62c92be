/**
 * Carries what a child reports to the database: progress conflated to one write a second, checkpoints at once, one write
 * at a time and in order. Where the database is away, it keeps what is newest and goes on trying.
 */
import { TeddyhubError } from '../src/domain/errors.js';
import type { Log } from '../src/platform/log.js';
import type { ObjectStore } from '../src/platform/object-store/object-store.js';
import {
  type Backend,
  type Claim,
  type Metric,
  type Progress,
  recordCheckpoint,
  reportProgress,
} from '../src/platform/orchestration/index.js';
import type { ChildReports } from './compute-child.js';
import { insist } from './insist.js';

const FLUSH_MS = 1_000;

export interface Reporter extends ChildReports {
  /** Writes what is pending and stops. */
  close(): Promise<void>;
}

interface ReporterOptions {
  backend: Backend;
  store: ObjectStore;
  claim: Claim;
  log: Log;
  /** Aborts when the attempt is over, whatever is still unwritten. */
  signal: AbortSignal;
  /** The database refused a write: the attempt is nobody's any more. */
  onStale: () => void;
}

export function createReporter({ backend, store, claim, log, signal, onStale }: ReporterOptions): Reporter {
  let progress: Progress | null = null;
  const metrics: Metric[] = [];
  let writing: Promise<unknown> = Promise.resolve();

  /** One after the other; the answer is the caller's, the order is everybody's. */
  const inTurn = <T>(write: () => Promise<T>): Promise<T> => {
    const turn = writing.then(() => insist(write, log, signal));
    writing = turn.catch((error: unknown) => {
      if (error instanceof TeddyhubError && error.code === 'STALE_ATTEMPT') onStale();
      else if (!signal.aborted) log.warn({ taskId: claim.taskId, reason: String(error) }, 'report not written');
    });
    return turn;
  };

  const flush = async (): Promise<void> => {
    if (progress === null && metrics.length === 0) return;
    await inTurn(async () => {
      // Taken as late as can be: after an outage one write tells the newest, and not one for every second of it.
      const taken = progress;
      const points = [...metrics];
      await reportProgress(backend, claim, taken, points);
      if (progress === taken) progress = null;
      metrics.splice(0, points.length);
    }).catch(() => undefined);
  };
  let flushing: Promise<void> | undefined;
  const timer = setInterval(() => {
    flushing ??= flush().finally(() => {
      flushing = undefined;
    });
  }, FLUSH_MS);

  return {
    progress: (step, totalSteps, loss) => {
      progress = { step, totalSteps, loss: Number.isFinite(loss) ? loss : null };
    },
    metric: (name, step, value) => {
      if (Number.isFinite(value)) metrics.push({ name, step, value });
    },
    async checkpoint(key, step) {
      const replaced = await inTurn(() => recordCheckpoint(backend, claim, key, step));
      log.debug({ taskId: claim.taskId, step, key }, 'checkpoint recorded');
      if (replaced !== null) await removeObject(store, replaced, log);
    },
    async close() {
      clearInterval(timer);
      await flushing;
      await flush();
      await writing;
    },
  };
}

/** What is left behind costs room and no more. */
export async function removeObject(store: ObjectStore, key: string, log: Log): Promise<void> {
  await store.delete(key).catch((error: unknown) => log.warn({ key, reason: String(error) }, 'object not removed'));
}
