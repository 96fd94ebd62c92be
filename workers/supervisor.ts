/**
 * The supervisor of one device: pulls a task at a time, has a child compute it, and keeps up the heartbeats meanwhile. It
 * never computes, so its event loop is always in time.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { newId } from '../src/domain/ids.js';
import type { WorkerState } from '../src/platform/database/generated/client.js';
import { createDeferred } from '../src/platform/deferred.js';
import { beat, claimTask, failDeadTask, returnTask } from '../src/platform/orchestration/index.js';
import { type Attempt, type AttemptEnd, type AttemptOptions, startAttempt } from './attempt.js';
import { insist } from './insist.js';

/** Also the longest that a canceled computation goes on. */
const HEARTBEAT_MS = 1_000;
/** How long the goodbye of a worker waits for the database. */
const GOODBYE_MS = 2_000;
/** How long a worker rests after an attempt that failed, twice as long after each further one. */
const FIRST_REST_MS = 500;
const LONGEST_REST_MS = 30_000;

export interface Supervisor {
  /** Resolves where a task could not be read, with what of it: this worker is of another version, and takes no further task. */
  outdated: Promise<string>;
  /** Takes no further task, ends the present one, hands it back, and says goodbye. */
  drain(): Promise<void>;
  /** Kills the child and tells nobody: the heartbeats that stay away do. */
  killNow(): void;
}

export async function startSupervisor(
  options: Omit<AttemptOptions, 'onUnreadable'> & { workerId: string },
): Promise<Supervisor> {
  const { backend, log, workerId } = options;
  const draining = new AbortController();
  const drained = new AbortController();
  const outdated = createDeferred<string>();
  let current: Attempt | undefined;
  /** Attempts that are to be repeated, since one succeeded. */
  let failures = 0;
  let handling: Promise<void> = Promise.resolve();

  const takeNoMore = async (): Promise<void> => {
    draining.abort();
    await backend.queue.pause().catch(() => undefined);
  };

  const onUnreadable = async (what: string): Promise<void> => {
    await takeNoMore();
    outdated.resolve(what);
  };

  /** The queue delivers again whatever a handler throws, and tells nobody. */
  const told = <T>(taskId: string, work: () => Promise<T>): Promise<T> =>
    work().catch((error: unknown) => {
      if (!draining.signal.aborted) log.error({ taskId, err: error }, 'task not taken');
      throw error;
    });

  const handle = async (taskId: string, overdue: AbortSignal): Promise<void> => {
    // Delivered while the queue was being paused.
    if (draining.signal.aborted) return returnTask(backend, taskId);
    // One id for all repetitions: a claim whose answer was lost is no lost attempt.
    const attemptId = newId();
    const claim = await told(taskId, () =>
      insist(() => claimTask(backend, taskId, workerId, attemptId), log, draining.signal),
    );
    if (claim === null) return;
    const attempt = startAttempt(claim, { ...options, onUnreadable });
    current = attempt;
    if (draining.signal.aborted) attempt.drain();
    // After 23 hours: one that computes goes on from a last checkpoint, and one that hangs comes to an end.
    const drain = () => attempt.drain();
    overdue.addEventListener('abort', drain);
    const end = await attempt.ended;
    overdue.removeEventListener('abort', drain);
    current = undefined;
    await rest(end);
    // Throwing makes the queue deliver the task again, with a growing delay. A stale claim throws as well: its new holder's
    // delivery may be over already. If the task has ended meanwhile, the next delivery finds that and is the last.
    if (end === 'RETRY' || end === 'STALE') throw new Error('the attempt did not end the task, another one follows');
  };

  /** A worker whose disk or driver is broken fails in seconds, and would take each task of the queue before the others can. */
  const rest = async (end: AttemptEnd): Promise<void> => {
    if (end === 'SUCCEEDED') failures = 0;
    if (end !== 'RETRY') return;
    const pauseMs = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** failures++);
    await wait(pauseMs, undefined, { signal: draining.signal }).catch(() => undefined);
  };

  const sayAlive = async (): Promise<void> => {
    const held = current;
    const state: WorkerState = draining.signal.aborted ? 'DRAINING' : held === undefined ? 'IDLE' : 'BUSY';
    const verdict = await beat(backend.database, workerId, state, held?.claim ?? null);
    if (verdict === 'LOST') held?.revoke();
  };
  const beating = repeat(HEARTBEAT_MS, drained.signal, () =>
    sayAlive().catch((error: unknown) => log.debug({ reason: String(error) }, 'heartbeat not written')),
  );

  await backend.queue.workDead((taskId) => told(taskId, () => failDeadTask(backend, taskId)));
  await backend.queue.work((taskId, overdue) => {
    handling = handle(taskId, overdue);
    return handling;
  });

  return {
    outdated: outdated.promise,
    async drain() {
      const paused = takeNoMore();
      current?.drain();
      await paused;
      await handling.catch(() => undefined);
      drained.abort();
      await beating;
      const deadline = AbortSignal.timeout(GOODBYE_MS);
      await insist(() => beat(backend.database, workerId, 'STOPPED', null), log, deadline).catch(() => undefined);
    },
    killNow: () => current?.killNow(),
  };
}

async function repeat(everyMs: number, until: AbortSignal, action: () => Promise<void>): Promise<void> {
  while (!until.aborted) {
    await action();
    await wait(everyMs, undefined, { signal: until }).catch(() => undefined);
  }
}
