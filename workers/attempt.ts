/** One attempt at a task: from the claim to the end of its child process, and what the database is told of it. */
import { ZodError } from 'zod';
import { type Failure, newFailure, TeddyhubError, toFailure } from '../src/domain/errors.js';
import type { Log } from '../src/platform/log.js';
import { isOutdated } from '../src/platform/migrate/pending.js';
import type { ObjectStore } from '../src/platform/object-store/object-store.js';
import {
  type Backend,
  type Claim,
  completeTask,
  failAttempt,
  handBackTask,
} from '../src/platform/orchestration/index.js';
import { type ChildEnd, type ComputeChild, startComputeChild } from './compute-child.js';
import { insist } from './insist.js';
import { unreadable, type Workplace } from './protocol.js';
import { createReporter, removeObject } from './reporter.js';

/** How long a drain waits for a database that is away: the heartbeat that ends with the process says it later. */
const HAND_BACK_MS = 3_000;

/** How long a drain waits for a checkpoint: a step of a deep network takes seconds, and some jobs have none to make. */
const LAST_CHECKPOINT_MS = 4_000;

/** How often a task may be handed back because its worker could not read it. Then it fails: after a downgrade, for example, no worker can read it. */
const PASSED_ON = 4;
const OTHER_VERSION = 'its worker is of another version';

export type AttemptEnd = 'SUCCEEDED' | 'FAILED' | 'RETRY' | 'STALE' | 'DRAINED';

export interface AttemptOptions {
  backend: Backend;
  store: ObjectStore;
  workplace: Workplace;
  log: Log;
  /** This worker cannot read the task, whose service is of another version. Resolves once the worker takes no further one. */
  onUnreadable(what: string): Promise<void>;
}

export interface Attempt {
  claim: Claim;
  /** Never rejects. */
  ended: Promise<AttemptEnd>;
  /** The claim is lost: end the computation. */
  revoke(): void;
  /** The worker stops: let the computation make a last checkpoint, end it and give the task back. */
  drain(): void;
  killNow(): void;
}

export function startAttempt(claim: Claim, options: AttemptOptions): Attempt {
  const { backend, store, workplace, log, onUnreadable } = options;
  const { taskId, kind, index, runId, attempt, payload, checkpoint } = claim;
  const startedAt = performance.now();
  const about = { taskId, kind, index, runId, attempt };
  const revoked = new AbortController();
  /** The time of a drain is up. */
  const interrupted = new AbortController();
  const over = AbortSignal.any([revoked.signal, interrupted.signal]);
  const reporter = createReporter({ backend, store, claim, log, signal: over, onStale: () => revoked.abort() });
  const assignment = { kind, taskId, payload, workplace, checkpointKey: checkpoint?.key ?? null };
  let drainTimer: NodeJS.Timeout | undefined;
  const isDraining = () => drainTimer !== undefined;
  const child = startComputeChild(assignment, {
    ...reporter,
    async checkpoint(key, step) {
      await reporter.checkpoint(key, step);
      if (isDraining()) interrupted.abort();
    },
  });
  log.info({ ...about, childPid: child.pid, fromStep: checkpoint?.step ?? 0 }, 'attempt started');

  const run = async (): Promise<AttemptEnd> => {
    const end = await endOf(child, over);
    clearTimeout(drainTimer);
    await reporter.close();
    if (revoked.signal.aborted) return 'STALE';
    // Who stops a machine may signal every process on it: then the child is gone before it could be asked for a checkpoint.
    if (end === 'INTERRUPTED' || (isDraining() && end.type === 'CRASH')) {
      const deadline = AbortSignal.timeout(HAND_BACK_MS);
      await insist(() => handBackTask(backend, claim, 'its worker was stopped'), log, deadline);
      return 'DRAINED';
    }
    if (end.type === 'RESULT') return succeed(end.result);
    if (end.type === 'UNREADABLE' && (await isNewer())) return passOn(end.what);
    return fail(end);
  };

  const succeed = async (result: unknown): Promise<AttemptEnd> => {
    try {
      const replaced = await insist(() => completeTask(backend, claim, result), log, over);
      if (replaced !== null) await removeObject(store, replaced, log);
      return 'SUCCEEDED';
    } catch (error) {
      // The task could be read, and what its result leads to could not: options of the run, or the tasks that come next.
      if (!(error instanceof ZodError) || !(await isNewer())) throw error;
      log.warn({ ...about, reason: error.message }, 'result not recorded');
      return passOn(unreadable(kind, error));
    }
  };

  const fail = (end: Exclude<ChildEnd, { type: 'RESULT' }>): Promise<AttemptEnd> => {
    const failure = explain(end, log, about);
    log.warn({ ...about, code: failure.code, reason: failure.message }, 'attempt failed');
    return insist(() => failAttempt(backend, claim, failure), log, over);
  };

  const isNewer = () => insist(() => isOutdated(backend.database), log, over);

  const passOn = async (what: string): Promise<AttemptEnd> => {
    const where = { taskId, outcome: 'DRAINED', reason: { startsWith: OTHER_VERSION } } as const;
    const passed = await insist(() => backend.database.taskAttempt.count({ where }), log, over);
    if (passed >= PASSED_ON) return fail({ type: 'UNREADABLE', what });
    // First: or it would be the next to take the task.
    await onUnreadable(what);
    await insist(() => handBackTask(backend, claim, `${OTHER_VERSION} (${what})`), log, over);
    return 'DRAINED';
  };

  const ended = run()
    .catch((error: unknown): Promise<AttemptEnd> | AttemptEnd => {
      if (error instanceof TeddyhubError && error.code === 'STALE_ATTEMPT') return 'STALE';
      // Nothing was handed back: the queue must not take it for done.
      if (isDraining()) return 'RETRY';
      log.error({ ...about, err: error }, 'attempt not recorded');
      return insist(() => failAttempt(backend, claim, toFailure(error)), log, over).catch(() => 'RETRY');
    })
    .then((outcome) => {
      const seconds = Number(((performance.now() - startedAt) / 1000).toFixed(2));
      log.info({ ...about, outcome, seconds }, 'attempt ended');
      return outcome;
    });

  return {
    claim,
    ended,
    revoke: () => revoked.abort(),
    drain() {
      child.drain();
      drainTimer ??= setTimeout(() => interrupted.abort(), LAST_CHECKPOINT_MS);
    },
    killNow: () => child.killNow(),
  };
}

/** Waits for the child, or ends it when the attempt is over before it. */
async function endOf(child: ComputeChild, over: AbortSignal): Promise<ChildEnd | 'INTERRUPTED'> {
  const interrupted = new Promise<'INTERRUPTED'>((resolve) => {
    if (over.aborted) resolve('INTERRUPTED');
    over.addEventListener('abort', () => resolve('INTERRUPTED'), { once: true });
  });
  const end = await Promise.race([child.ended, interrupted]);
  if (end === 'INTERRUPTED') await child.kill();
  return end;
}

function explain(end: Exclude<ChildEnd, { type: 'RESULT' }>, log: Log, about: object): Failure {
  if (end.type === 'UNREADABLE') {
    // Of an older service, or of a newer one whose database is as it was: another worker may read it.
    const problem = `The task is of another version of the service than its worker (${end.what})`;
    return new TeddyhubError('OTHER_VERSION', `${problem}: update the worker, or start the work anew.`).failure;
  }
  if (end.type === 'FAILURE') {
    // What a person can fix is told to that person; a fault of ours is for the log.
    if (end.failure.code === 'INTERNAL') log.error({ ...about, detail: end.detail }, 'job threw');
    return end.failure;
  }
  log.error({ ...about, how: end.how, output: end.output }, 'compute process crashed');
  const message = `The compute process did not finish: ${end.how}.`;
  return newFailure('WORKER_LOST', message);
}
