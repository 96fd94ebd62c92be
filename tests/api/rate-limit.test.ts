import assert from 'node:assert/strict';
import { afterEach, describe, it, mock } from 'node:test';
import { RateLimiter } from '../../src/graphql/rate-limit.js';

describe('the points of a key', () => {
  afterEach(() => mock.timers.reset());

  it('are there again after a minute, and not before', () => {
    mock.timers.enable({ apis: ['Date'], now: 0 });
    const limiter = new RateLimiter(100);
    assert.deepEqual(limiter.charge('key', 80), { limit: 100, cost: 80, remaining: 20, resetAt: new Date(60_000) });
    mock.timers.setTime(59_500);
    assert.throws(() => limiter.charge('key', 21), {
      message: 'This costs 21 points and the key has 20 left for this minute: try again in 1 s.',
      extensions: {
        code: 'RATE_LIMITED',
        retryAfterMs: 500,
        http: { status: 429, headers: new Map([['retry-after', '1']]) },
      },
    });
    assert.equal(limiter.charge('other', 100)?.remaining, 0);
    mock.timers.setTime(60_000);
    assert.deepEqual(limiter.charge('key', 21), { limit: 100, cost: 21, remaining: 79, resetAt: new Date(120_000) });
  });
});
