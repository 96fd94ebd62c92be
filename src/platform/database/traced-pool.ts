/** Connections that count a request's statements, and cancel them on the server when the request's time is over. */
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { currentTrace } from '../telemetry/request-trace.js';

const CANCEL_AGAIN_MS = 100;
/** PostgreSQL: what a prepared statement gives has changed with its table. A new connection prepares it anew. */
const STALE_PLAN = '0A000';

type Query = (...args: unknown[]) => Promise<unknown>;

/** PostgreSQL: the server only reads. Behind an address that has moved to another one, a new connection finds that. */
const READ_ONLY = '25006';
/** After these a connection is of no more use, though it is whole. */
const LAST_WORDS = new Set([STALE_PLAN, READ_ONLY]);

/** `answerMs`: after so long without an answer a connection is given up; 0: never. */
export function createTracedPool({ answerMs, ...config }: pg.PoolConfig & { answerMs: number }): pg.Pool {
  class TracedClient extends pg.Client {}
  /** A server that vanished without a word leaves its connections waiting until TCP gives up, a quarter of an hour later. */
  const plainQuery: Query = async function (this: pg.Client, ...args) {
    const answer = Reflect.apply(pg.Client.prototype.query as Query, this, args);
    if (typeof args.at(-1) === 'function') return answer;
    const timer = answerMs > 0 ? setTimeout(() => breakOff(this), answerMs) : undefined;
    try {
      return await answer;
    } catch (error) {
      if (error instanceof pg.DatabaseError && error.code === READ_ONLY) breakOff(this);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  };
  const tracedQuery: Query = async function (this: pg.Client, ...args) {
    const trace = currentTrace();
    // Callbacks are the pool's own way, which has lost track of the request.
    if (trace === undefined || typeof args.at(-1) === 'function') return Reflect.apply(plainQuery, this, args);
    trace.statements += 1;
    const { signal } = trace;
    if (signal === null) return Reflect.apply(plainQuery, this, args);
    if (signal.aborted && !isCommand(args[0], 'ROLLBACK')) {
      // Prisma lends a connection again after a COMMIT that failed, as it takes PostgreSQL to have ended the transaction.
      if (isCommand(args[0], 'COMMIT')) await Reflect.apply(plainQuery, this, ['ROLLBACK']);
      throw new DeadlineExceeded();
    }
    let ended: (() => Promise<void>) | undefined;
    const cancel = () => {
      ended = cancelStatement(config, this);
    };
    signal.addEventListener('abort', cancel, { once: true });
    try {
      return await Reflect.apply(plainQuery, this, args);
    } finally {
      signal.removeEventListener('abort', cancel);
      await ended?.();
    }
  };
  TracedClient.prototype.query = tracedQuery as typeof pg.Client.prototype.query;

  class TracedPool extends pg.Pool {}
  const pooledQuery: Query = function (this: pg.Pool, ...args) {
    return withClient(this, (client) => Reflect.apply(client.query as Query, client, args));
  };
  TracedPool.prototype.query = pooledQuery as typeof pg.Pool.prototype.query;
  return new TracedPool({ ...config, pipeline: true, Client: TracedClient } as pg.PoolConfig);
}

/** What waits on the connection fails as when the server ends it, and nobody is lent it again. */
function breakOff(client: pg.Client): void {
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } };
  connection.stream.destroy();
}

/** Lends a connection to some work. One that the work broke is not lent again. */
export async function withClient<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  const ignore = () => undefined;
  // A connection that breaks fails the statement as well; unheard, the event would end the process.
  client.on('error', ignore);
  let failure: unknown;
  try {
    return await work(client);
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    client.off('error', ignore);
    client.release(failure !== undefined && !isOrdinary(failure));
  }
}

/** What a statement is refused with once the time of its request is over; as PostgreSQL itself says it. */
class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded';
  readonly code = '57014';
  readonly severity = 'ERROR';

  constructor() {
    super('the time of the request is over');
  }
}

const isCommand = (query: unknown, command: 'COMMIT' | 'ROLLBACK'): boolean => {
  const text = typeof query === 'string' ? query : (query as { text?: unknown } | null)?.text;
  return typeof text === 'string' && text.trimStart().toUpperCase().startsWith(command);
};

/** Whether the statement failed and the connection did not. */
const isOrdinary = (error: unknown): boolean =>
  error instanceof DeadlineExceeded ||
  (error instanceof pg.DatabaseError && error.severity === 'ERROR' && !LAST_WORDS.has(error.code ?? ''));

interface Canceling {
  /** Of this connection, that wait for one another or are under way. */
  statements: number;
  readonly settled: AbortController;
  readonly done: Promise<void>;
}

const cancelings = new WeakMap<pg.Client, Canceling>();

/**
 * Cancels what a connection is at, until the statement has ended: the answer says so. Statements may wait for one another in a
 * connection, and what is canceled may be the one before: one canceler does for all of them, and a database in trouble is
 * asked for no connection a statement.
 */
function cancelStatement(config: pg.PoolConfig, client: pg.Client): () => Promise<void> {
  const begin = (): Canceling => {
    const settled = new AbortController();
    return { statements: 0, settled, done: cancelUntil(settled.signal, config, client) };
  };
  const canceling = cancelings.get(client) ?? begin();
  cancelings.set(client, canceling);
  canceling.statements += 1;
  return async () => {
    canceling.statements -= 1;
    if (canceling.statements > 0) return;
    cancelings.delete(client);
    canceling.settled.abort();
    // The next user of this connection must not be hit.
    await canceling.done;
  };
}

async function cancelUntil(settled: AbortSignal, config: pg.PoolConfig, client: pg.Client): Promise<void> {
  const { processID } = client as unknown as { processID: number | null };
  if (processID === null) return;
  const canceler = new pg.Client({ ...config, connectionTimeoutMillis: 2_000 });
  canceler.on('error', () => undefined);
  try {
    await canceler.connect();
    while (!settled.aborted) {
      await canceler.query('SELECT pg_cancel_backend($1)', [processID]);
      await wait(CANCEL_AGAIN_MS, undefined, { signal: settled });
    }
  } catch {
    // It has ended, or its own statement_timeout will end it.
  } finally {
    await canceler.end().catch(() => undefined);
  }
}
