/**
 * Delivery of tasks, by pg-boss in the service's own Postgres. A job holds nothing but its task's id, which is its own id
 * too: the task row is the truth, the queue only brings it to somebody. So a job delivered twice, or late, does no harm,
 * and every send or cancel takes part in the caller's transaction.
 */
import { fromPrisma, PgBoss } from 'pg-boss';
import type { Transaction } from '../database/client.js';
import type { Log } from '../log.js';
import { createRepetition } from '../repetition.js';
import { sweepUntil } from './sweep.js';

const TASKS = 'tasks';
const DEAD_TASKS = 'tasks-dead';

const HEARTBEAT_SECONDS = 10;
const HEARTBEAT_REFRESH_SECONDS = 2;
const POLLING_SECONDS = 1;
const SWEEP_SECONDS = 2;
/** pg-boss allows less than a day; a task that computes longer goes on from its checkpoint in a second attempt. */
export const EXPIRE_SECONDS = 23 * 3600;
const YEAR_SECONDS = 365 * 24 * 3600;
/**
 * `Task.maxAttempts` is what ends a task, and counts only failures: hand-backs of drained workers raise pg-boss's count as well, and
 * a task of weeks on machines that come and go is handed back as often.
 */
const DELIVERIES = 10_000;
const DEAD_DELIVERIES = 25;

export interface TaskQueue {
  /** Offers the tasks to the workers once `tx` commits. */
  send(tx: Transaction, taskIds: readonly string[]): Promise<void>;
  /** Withdraws the tasks' jobs, delivered or not, once `tx` commits. */
  cancel(tx: Transaction, taskIds: readonly string[]): Promise<void>;
  /** Offers a delivered task again, at once. */
  handBack(tx: Transaction, taskId: string): Promise<void>;
  /**
   * Delivers tasks one at a time. A handler that throws sees the task again, later each time. The signal aborts where the handler has taken so
   * long that the task is delivered anew.
   */
  work(handle: (taskId: string, overdue: AbortSignal) => Promise<void>): Promise<void>;
  /** Delivers the tasks that were lost too often to be delivered again. */
  workDead(handle: (taskId: string) => Promise<void>): Promise<void>;
  /** Asks for no further tasks. What was delivered goes on. */
  pause(): Promise<void>;
  close(): Promise<void>;
}

export interface QueueOptions {
  log: Log;
  /** Workers look for jobs whose worker is gone; the API only sends. */
  role: 'API' | 'WORKER';
}

/** Connects, and makes pg-boss's schema and the queues where they are missing. */
export async function openTaskQueue(databaseUrl: string, { log, role }: QueueOptions): Promise<TaskQueue> {
  const worker = role === 'WORKER';
  const boss = new PgBoss({
    connectionString: databaseUrl,
    application_name: `teddyhub-queue-${role.toLowerCase()}`,
    max: 3,
    connectionTimeoutMillis: 5_000,
    // A server that vanished without a word would keep them waiting for a quarter of an hour.
    ...{ keepAlive: true, keepAliveInitialDelayMillis: 10_000, query_timeout: 60_000 },
    // By our own clock: see sweep.ts.
    supervise: false,
    superviseIntervalSeconds: SWEEP_SECONDS,
    monitorIntervalSeconds: SWEEP_SECONDS,
    schedule: false,
    useListenNotify: worker,
  });
  // It tries again several times a second, and would fill the log of an outage with one line.
  const isNews = createRepetition();
  const warn = (reason: string, what: string) => {
    if (isNews(`${what}: ${reason}`)) log.warn({ reason }, what);
  };
  // Without a listener an `error` event would end the process; pg-boss itself goes on and tries again.
  boss.on('error', (error) => warn(error.message, 'queue error'));
  boss.on('warning', (warning) => log.debug({ reason: warning.message }, 'queue warning'));
  await boss.start();
  await createQueues(boss);
  const closing = new AbortController();
  if (worker) {
    void sweepUntil(closing.signal, {
      look: () => boss.supervise(),
      ask: () => boss.schemaVersion(),
      everyMs: SWEEP_SECONDS * 1000,
      heartbeatMs: HEARTBEAT_SECONDS * 1000,
      onError: (error) => warn(String(error), 'lost tasks could not be looked for'),
    });
  }
  const working = { notifyPollingIntervalSeconds: POLLING_SECONDS, pollingIntervalSeconds: POLLING_SECONDS };

  return {
    async send(tx, taskIds) {
      if (taskIds.length === 0) return;
      await boss.insert(
        TASKS,
        taskIds.map((id) => ({ id, data: { taskId: id } })),
        { db: fromPrisma(tx) },
      );
    },
    async cancel(tx, taskIds) {
      if (taskIds.length > 0) await boss.cancel(TASKS, [...taskIds], { db: fromPrisma(tx) });
    },
    async handBack(tx, taskId) {
      // Not a fresh job: the kept count of deliveries is what stops the old delivery from completing the new one.
      const db = fromPrisma(tx);
      await boss.cancel(TASKS, taskId, { db });
      await boss.resume(TASKS, taskId, { db });
    },
    async work(handle) {
      const options = { ...working, heartbeatRefreshSeconds: HEARTBEAT_REFRESH_SECONDS };
      await boss.work<{ taskId: string }>(TASKS, options, async ([job]) => {
        if (job === undefined) return;
        const overdue = new AbortController();
        // A claim that a heartbeat finds gone aborts the signal too, with an error that says so: of that one the task's fence decides.
        const isOverdue = () => job.signal.reason?.name === 'AbortError';
        job.signal.addEventListener('abort', () => void (isOverdue() && overdue.abort()));
        await handle(job.data.taskId, overdue.signal);
      });
    },
    async workDead(handle) {
      await boss.work<{ taskId: string }>(DEAD_TASKS, working, async ([job]) => {
        if (job !== undefined) await handle(job.data.taskId);
      });
    },
    pause: () => boss.offWork(TASKS, { wait: false }),
    close() {
      closing.abort();
      return boss.stop({ graceful: false });
    },
  };
}

async function createQueues(boss: PgBoss): Promise<void> {
  await boss.createQueue(DEAD_TASKS, {
    retryLimit: DEAD_DELIVERIES,
    retryBackoff: true,
    retentionSeconds: YEAR_SECONDS,
  });
  const options = {
    notify: true,
    deadLetter: DEAD_TASKS,
    heartbeatSeconds: HEARTBEAT_SECONDS,
    expireInSeconds: EXPIRE_SECONDS,
    retentionSeconds: YEAR_SECONDS,
    retryLimit: DELIVERIES,
    // 2, 4, 8 seconds and up to twice as much: a store that restarts is back within the attempts of a task.
    retryDelay: 2,
    retryBackoff: true,
    retryDelayMax: 30,
  };
  await boss.createQueue(TASKS, options);
  // A queue that an earlier version has made stays as it was.
  await boss.updateQueue(TASKS, options);
}
