/**
 * Follows the event logs of runs: replays from the table, then tails. One connection a process listens, whatever the number
 * of followers; a notification says only that a run has news, which are read from the table once for all of its followers. So
 * nothing is lost or doubled, and a lost notification costs no more than the time until the next look.
 */
import { setMaxListeners } from 'node:events';
import { createBell } from '../bell.js';
import type { Database } from '../database/client.js';
import type { Log } from '../log.js';
import { outsideOfRequests } from '../telemetry/request-trace.js';
import { listenForRunNews } from './listener.js';
import { RunChannel } from './run-channel.js';
import { endsRun, type StoredRunEvent } from './stored-event.js';

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

export function createRunEventHub(options: { database: Database; databaseUrl: string; log: Log }): RunEventHub {
  const { database, databaseUrl, log } = options;
  const channels = new Map<string, RunChannel>();
  const closing = new AbortController();
  // Every follower listens.
  setMaxListeners(0, closing.signal);
  let active = 0;
  let listening: Promise<void> | undefined;

  const onNews = (runId: string) => channels.get(runId)?.refresh();
  const onConnected = () => {
    for (const channel of channels.values()) channel.refresh();
  };

  const enter = (runId: string, bell: () => void): RunChannel => {
    listening ??= listenForRunNews(closing.signal, { databaseUrl, log, onNews, onConnected });
    const channel = channels.get(runId) ?? new RunChannel(database, runId, log);
    channels.set(runId, channel);
    channel.enter(bell);
    active += 1;
    return channel;
  };

  const leave = (runId: string, channel: RunChannel, bell: () => void): void => {
    active -= 1;
    if (channel.leave(bell)) return;
    channel.close();
    channels.delete(runId);
  };

  async function* follow(runId: string, afterSequence: number, signal: AbortSignal) {
    const bell = createBell();
    const { ring } = bell;
    const signals = [signal, closing.signal];
    const hasEnded = () => signals.some(({ aborted }) => aborted);
    for (const one of signals) one.addEventListener('abort', ring, { once: true });
    // What all followers share is nobody's request.
    const channel = outsideOfRequests(() => enter(runId, ring));
    try {
      let sequence = afterSequence;
      while (!hasEnded()) {
        // Reset before the look, so that news which come while it is under way ring for another one.
        bell.reset();
        const events = await channel.after(sequence);
        for (const event of events) {
          if (hasEnded()) return;
          yield event;
          sequence = event.sequence;
          if (endsRun(event)) return;
        }
        if (events.length === 0 && !hasEnded()) await bell.heard();
      }
    } finally {
      for (const one of signals) one.removeEventListener('abort', ring);
      leave(runId, channel, ring);
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
