/**
 * Follows the event logs of runs: replays from the table, then tails. One connection a process listens, whatever the number
 * of followers; a notification says only that a run has news, and the follower reads them from the table. So nothing is
 * lost or doubled, and a lost notification costs no more than the time until the next look.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { type RunEventPayload, runEventPayload } from '../../domain/run-events.js';
import { isTerminal } from '../../domain/run-lifecycle.js';
import type { Database } from '../database/client.js';
import { createDeferred } from '../deferred.js';
import type { Log } from '../log.js';
import { listenForRunNews } from './listener.js';

export interface StoredRunEvent {
  runId: string;
  sequence: number;
  createdAt: Date;
  payload: RunEventPayload;
}

export interface RunEventHub {
  /**
   * The events of a run after a sequence, in order, each exactly once; ends after the terminal one, or when `signal`
   * aborts. A follower holds resources only between its first `next()` and its end.
   */
  follow(runId: string, afterSequence: number, signal: AbortSignal): AsyncGenerator<StoredRunEvent, void, undefined>;
  /** For a gauge. */
  readonly activeFollowers: number;
  /** Ends all followers and the connection. */
  close(): Promise<void>;
}

const POLL_MS = 2_000;
const PAGE = 200;

export function createRunEventHub(options: { database: Database; databaseUrl: string; log: Log }): RunEventHub {
  const { database, databaseUrl, log } = options;
  const followers = new Map<string, Set<() => void>>();
  const closing = new AbortController();
  let active = 0;
  let listening: Promise<void> | undefined;

  const wake = (runId: string) => {
    for (const notify of followers.get(runId) ?? []) notify();
  };
  const wakeAll = () => {
    for (const runId of followers.keys()) wake(runId);
  };

  async function* follow(runId: string, afterSequence: number, signal: AbortSignal) {
    listening ??= listenForRunNews(closing.signal, { databaseUrl, log, onNews: wake, onConnected: wakeAll });
    const ended = AbortSignal.any([signal, closing.signal]);
    const bell = createBell(ended);
    const bells = followers.get(runId) ?? new Set();
    followers.set(runId, bells.add(bell.ring));
    active += 1;
    try {
      let sequence = afterSequence;
      while (!ended.aborted) {
        // Reset before the look, so that news which arrive while it is under way ring for another one.
        bell.reset();
        const events = await readEvents(database, runId, sequence, log);
        for (const event of events) {
          if (ended.aborted) return;
          yield event;
          sequence = event.sequence;
          if (endsRun(event)) return;
        }
        if (events.length < PAGE) await bell.heard(POLL_MS);
      }
    } finally {
      active -= 1;
      bells.delete(bell.ring);
      if (bells.size === 0) followers.delete(runId);
    }
  }

  return {
    follow,
    get activeFollowers() {
      return active;
    },
    async close() {
      closing.abort();
      await listening;
    },
  };
}

const endsRun = ({ payload }: StoredRunEvent): boolean => payload.type === 'STATE_CHANGED' && isTerminal(payload.to);

/** A page of events; none where the database does not answer, for the next look will find them. */
async function readEvents(database: Database, runId: string, after: number, log: Log): Promise<StoredRunEvent[]> {
  try {
    const rows = await database.runEvent.findMany({
      where: { runId, sequence: { gt: after } },
      orderBy: { sequence: 'asc' },
      take: PAGE,
    });
    return rows.map((row) => parseRunEvent(row));
  } catch (error) {
    log.warn({ runId, reason: String(error) }, 'run events could not be read');
    return [];
  }
}

/** A row of the event log as what it was written from. */
export function parseRunEvent(row: {
  runId: string;
  sequence: number;
  type: string;
  payload: unknown;
  createdAt: Date;
}): StoredRunEvent {
  const { runId, sequence, createdAt, type } = row;
  const payload = runEventPayload.parse({ ...(row.payload as object), type });
  return { runId, sequence, createdAt, payload };
}

/** A bell that stays rung until it is reset. */
function createBell(ended: AbortSignal) {
  let rung = createDeferred();
  return {
    ring: () => rung.resolve(),
    reset: () => {
      rung = createDeferred();
    },
    /** Resolves when the bell is rung, the time is over, or the follower has ended. */
    async heard(timeoutMs: number): Promise<void> {
      const over = new AbortController();
      const signal = AbortSignal.any([ended, over.signal]);
      await Promise.race([rung.promise, wait(timeoutMs, undefined, { signal }).catch(() => undefined)]);
      over.abort();
    },
  };
}
