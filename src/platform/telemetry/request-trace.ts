/** What a request is and costs, carried along by everything that it awaits: for its answer, its errors, the database and the log. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';

export class RequestTrace {
  readonly requestId = randomUUID();
  private readonly startedAt = performance.now();
  /** SQL statements so far. */
  statements = 0;
  /** What the line in the log tells besides. */
  readonly facts: Record<string, unknown> = {};
  private readonly errorCodes = new Set<string>();

  /** `signal` aborts when the time of the request is over; without one it may take as long as it needs. */
  constructor(readonly signal: AbortSignal | null = null) {}

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

/** For work that several requests share: it is no single one's, and goes on when that one's time is over. */
export const outsideOfRequests = <T>(work: () => T): T => storage.exit(work);
