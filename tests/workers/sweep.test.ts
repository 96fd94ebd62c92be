import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sweepUntil } from '../../src/platform/queue/sweep.js';
import { until } from '../support/until.js';

describe('the look for lost tasks', () => {
  it('waits after an outage until the database has answered for as long as a heartbeat may take', async () => {
    const stop = new AbortController();
    const heartbeatMs = 1_000;
    const looks: number[] = [];
    const asks: number[] = [];
    const errors: unknown[] = [];
    let away = false;
    const answer = (times: number[]) => async () => {
      if (away) throw new Error('no database');
      times.push(performance.now());
    };
    const options = { everyMs: 5, heartbeatMs, onError: (error: unknown) => errors.push(error) };
    const swept = sweepUntil(stop.signal, { ...options, look: answer(looks), ask: answer(asks) });
    await until('it looks at once, as nothing is known of an outage', () => looks.length > 2);
    assert.equal(asks.length, 0);
    away = true;
    await until('it has met the outage', () => errors.length > 2);
    const before = looks.length;
    const back = performance.now();
    away = false;
    await until('it looks again', () => looks.length > before);
    assert.ok(asks.length > 0, 'it has asked meanwhile whether the database is there');
    assert.ok((looks[before] as number) - back >= heartbeatMs, 'every worker could say that it is alive');
    stop.abort();
    await swept;
  });
});
