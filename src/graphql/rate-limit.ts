/** How much a key may ask for in a minute, in points of cost. Each process counts for itself. */
import { GraphQLError } from 'graphql';
import type { RateLimit } from '../modules/project/rate-limit.type.js';

const WINDOW_MS = 60_000;
/** Beyond so many keys the windows that are over are forgotten. */
const KEYS = 10_000;

export class RateLimiter {
  private readonly windows = new Map<string, { spent: number; resetAt: number }>();

  /** `limit` points a minute and key; 0: no limit. */
  constructor(private readonly limit: number) {}

  /** Takes the cost of an operation off what the key has left; null where there is no limit. Throws RATE_LIMITED. */
  charge(key: string, cost: number): RateLimit | null {
    if (this.limit === 0) return null;
    const now = Date.now();
    const known = this.windows.get(key);
    const window = known && known.resetAt > now ? known : this.open(key, now);
    if (window.spent + cost > this.limit) throw rateLimited(this.limit - window.spent, cost, window.resetAt - now);
    window.spent += cost;
    return { limit: this.limit, cost, remaining: this.limit - window.spent, resetAt: new Date(window.resetAt) };
  }

  private open(key: string, now: number) {
    if (this.windows.size >= KEYS) {
      for (const [other, { resetAt }] of this.windows) if (resetAt <= now) this.windows.delete(other);
    }
    const window = { spent: 0, resetAt: now + WINDOW_MS };
    this.windows.set(key, window);
    return window;
  }
}

function rateLimited(remaining: number, cost: number, waitMs: number): GraphQLError {
  const seconds = Math.ceil(waitMs / 1000);
  return new GraphQLError(
    `This costs ${cost} points and the key has ${remaining} left for this minute: try again in ${seconds} s.`,
    {
      extensions: {
        code: 'RATE_LIMITED',
        retryAfterMs: waitMs,
        http: { status: 429, headers: new Map([['retry-after', String(seconds)]]) },
      },
    },
  );
}

/** What HTTP tells of it, in the words that clients know. */
export const rateLimitHeaders = ({ limit, cost, remaining, resetAt }: RateLimit): [string, string][] => [
  ['x-ratelimit-limit', String(limit)],
  ['x-ratelimit-cost', String(cost)],
  ['x-ratelimit-remaining', String(remaining)],
  ['x-ratelimit-reset', String(Math.ceil(resetAt.getTime() / 1000))],
];
