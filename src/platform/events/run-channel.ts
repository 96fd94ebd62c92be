/**
 * The newest events of one run, read once for all who follow it. A follower who is behind what is kept here reads pages of the
 * table until it has caught up; one who is not costs no statement.
 */
import type { Database } from '../database/client.js';
import type { Log } from '../log.js';
import { parseRunEvent, type StoredRunEvent } from './stored-event.js';

/** Behind the notifications, for one that is lost. */
const POLL_MS = 2_000;
const PAGE = 200;
const KEPT = 1_000;

export class RunChannel {
  /** Consecutive; the last one has the sequence `head`. */
  private recent: StoredRunEvent[] = [];
  /** Null until the table was read for the first time. */
  private head: number | null = null;
  private refreshing: Promise<void> | undefined;
  private stale = false;
  private readonly bells = new Set<() => void>();
  /** Pages that are being read, by the sequence before them: many followers come back at the same place. */
  private readonly pages = new Map<number, Promise<StoredRunEvent[]>>();
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly database: Database,
    private readonly runId: string,
    private readonly log: Log,
  ) {
    this.timer = setInterval(() => {
      this.refresh();
      // For a follower whose page could not be read.
      this.ring();
    }, POLL_MS).unref();
    this.refresh();
  }

  /** What is known to follow a sequence, at most a page; nothing where there is nothing yet. */
  async after(sequence: number): Promise<StoredRunEvent[]> {
    if (this.head === null || sequence >= this.head) return [];
    const first = this.recent[0]?.sequence ?? this.head + 1;
    if (sequence + 1 >= first) return this.recent.slice(sequence + 1 - first, sequence + 1 - first + PAGE);
    const begun = this.pages.get(sequence);
    if (begun) return begun;
    const page = this.read(sequence).finally(() => this.pages.delete(sequence));
    this.pages.set(sequence, page);
    return page;
  }

  /** From now on `bell` is called whenever there may be more. */
  enter(bell: () => void): void {
    this.bells.add(bell);
  }

  /** Whether somebody still follows. */
  leave(bell: () => void): boolean {
    this.bells.delete(bell);
    return this.bells.size > 0;
  }

  /** Reads what is new; called once more where news come meanwhile. */
  refresh(): void {
    if (this.refreshing) {
      this.stale = true;
      return;
    }
    this.refreshing = this.readNews().finally(() => {
      this.refreshing = undefined;
      if (!this.stale) return;
      this.stale = false;
      this.refresh();
    });
  }

  close(): void {
    clearInterval(this.timer);
  }

  private async readNews(): Promise<void> {
    if (this.head === null) {
      this.head = await this.lastSequence();
      if (this.head !== null) this.ring();
      return;
    }
    for (;;) {
      const events = await this.read(this.head);
      if (events.length === 0) return;
      this.recent.push(...events);
      if (this.recent.length > KEPT) this.recent = this.recent.slice(-KEPT);
      this.head = events.at(-1)!.sequence;
      this.ring();
      if (events.length < PAGE) return;
    }
  }

  private ring(): void {
    for (const bell of this.bells) bell();
  }

  /** Events commit in the order of their sequence, so all up to this one are there. Null where the database does not answer. */
  private async lastSequence(): Promise<number | null> {
    try {
      const run = await this.database.distillationRun.findUnique({
        where: { id: this.runId },
        select: { eventSequence: true },
      });
      return run?.eventSequence ?? 0;
    } catch (error) {
      this.log.warn({ runId: this.runId, reason: String(error) }, 'run events could not be read');
      return null;
    }
  }

  /** A page of the table; none where the database does not answer, for the next look will find them. */
  private async read(after: number): Promise<StoredRunEvent[]> {
    try {
      const rows = await this.database.runEvent.findMany({
        where: { runId: this.runId, sequence: { gt: after } },
        orderBy: { sequence: 'asc' },
        take: PAGE,
      });
      return rows.map(parseRunEvent);
    } catch (error) {
      this.log.warn({ runId: this.runId, reason: String(error) }, 'run events could not be read');
      return [];
    }
  }
}
