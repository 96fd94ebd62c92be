/** What a request is and costs, carried along by everything that it awaits: for its answer, its errors, the database and the log. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';

/** Of a request's time. */
export interface Clock {
  start(): void;
  stop(): void;
}

export class RequestTrace {
  readonly requestId = randomUUID();
  private readonly startedAt = performance.now();
  /** SQL statements so far. */
  statements = 0;
  /** What the line in the log tells besides. */
  readonly facts: Record<string, unknown> = {};
  private readonly errorCodes = new Set<string>();

  /** `signal` aborts when the time of the request is over, by `clock`; without one it may take as long as it needs. */
  constructor(
    readonly signal: AbortSignal | null = null,
    private readonly clock: Clock | null = null,
  ) {}

  /** The request has all of its time again once the work is done. */
  async untimed<T>(work: () => Promise<T>): Promise<T> {
    this.clock?.stop();
    try {
      return await work();
    } finally {
      this.clock?.start();
    }
  }

  run<T>(work: () => T): T {
    return storage.run(this, work);
  }

  failed(code: string): void {
    this.errorCodes.add(code);
  }

  /** One line of the log. */
  line(): Record<string, unknown> {
    const durationMs = Math.round(10 * (performance.now() - this.startedAt)) / 10;
    const errors = this.errorCodes.size > 0 ? { errors: [...this.errorCodes] } : {};
    return { requestId: this.requestId, ...this.facts, statements: this.statements, durationMs, ...errors };
  }
}

const storage = new AsyncLocalStorage<RequestTrace>();

export const currentTrace = (): RequestTrace | undefined => storage.getStore();

/** A new one outside of any request. */
export const currentRequestId = (): string => currentTrace()?.requestId ?? randomUUID();

/** For the part of a request that takes as long as its files are large, and is of no use unless it gets to its end. */
export const untimed = <T>(work: () => Promise<T>): Promise<T> => currentTrace()?.untimed(work) ?? work();

/** For work that several requests share: it is no single one's, and goes on when that one's time is over. */
export const outsideOfRequests = <T>(work: () => T): T => storage.exit(work);
