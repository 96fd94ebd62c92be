/** The open sockets by their keys: how many a key may have, and their end when the key is revoked or expires. */
import type { Context } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Log } from '../platform/log.js';

/** As the protocol names them. */
export const CLOSE = { TRY_AGAIN: 1013, FORBIDDEN: 4403, TOO_MANY: 4429 } as const;

/** With a socket's own reaction time this is well within five seconds. */
const CHECK_MS = 2_000;
const SUBSCRIPTIONS_PER_SOCKET = 20;
/** Of a key, in subscriptions for every socket that it may have. */
const SUBSCRIPTIONS_PER_KEY = 10;

interface Entry {
  keyPrefix: string;
  context: Context;
}

export interface Keys {
  inactive(prefixes: readonly string[]): Promise<Set<string>>;
}

export class SocketRegistry {
  private readonly entries = new Map<WebSocket, Entry>();
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly keys: Keys,
    private readonly socketsPerKey: number,
    private readonly log: Log,
  ) {
    this.timer = setInterval(() => void this.check(), CHECK_MS).unref();
  }

  get sockets(): number {
    return this.entries.size;
  }

  get subscriptions(): number {
    return count(this.entries.values());
  }

  /** False where the key has all the sockets that it may have, or the socket has closed while its key was looked up. */
  enter(socket: WebSocket, keyPrefix: string, context: Context): boolean {
    if (socket.readyState !== socket.OPEN || this.ofKey(keyPrefix).length >= this.socketsPerKey) return false;
    this.entries.set(socket, { keyPrefix, context });
    return true;
  }

  leave(socket: WebSocket): void {
    this.entries.delete(socket);
  }

  /** Why one more subscription, which the context counts already, is too many; null where it is not. */
  excess(socket: WebSocket): string | null {
    const entry = this.entries.get(socket);
    if (entry === undefined) return 'The socket is closed.';
    if (count([entry]) > SUBSCRIPTIONS_PER_SOCKET) {
      return `A socket carries at most ${SUBSCRIPTIONS_PER_SOCKET} subscriptions.`;
    }
    const most = SUBSCRIPTIONS_PER_KEY * this.socketsPerKey;
    return count(this.ofKey(entry.keyPrefix)) > most ? `A key has at most ${most} subscriptions.` : null;
  }

  close(): void {
    clearInterval(this.timer);
  }

  private ofKey(keyPrefix: string): Entry[] {
    return [...this.entries.values()].filter((entry) => entry.keyPrefix === keyPrefix);
  }

  private async check(): Promise<void> {
    const prefixes = [...new Set([...this.entries.values()].map((entry) => entry.keyPrefix))];
    if (prefixes.length === 0) return;
    try {
      const inactive = await this.keys.inactive(prefixes);
      for (const [socket, { keyPrefix }] of this.entries) {
        if (inactive.has(keyPrefix)) socket.close(CLOSE.FORBIDDEN, 'The key does not work any more.');
      }
    } catch (error) {
      this.log.warn({ reason: String(error) }, 'keys of open sockets could not be checked');
    }
  }
}

const count = (entries: Iterable<Entry>): number => {
  let sum = 0;
  for (const { context } of entries) sum += Object.keys(context.subscriptions).length;
  return sum;
};
