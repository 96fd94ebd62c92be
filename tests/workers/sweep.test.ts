import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sweepUntil } from '../../src/platform/queue/sweep.js';
import { until } from '../support/until.js';

describe('the look for lost tasks', () => {
  it('waits, at first and after an outage, until the database has answered for as long as a heartbeat may take', async () => {
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
    let back = performance.now();
    const swept = sweepUntil(stop.signal, { ...options, look: answer(looks), ask: answer(asks) });
    const looksAgain = async () => {
      const [looked, asked] = [looks.length, asks.length];
      await until('it looks', () => looks.length > looked);
      assert.ok(asks.length > asked, 'it has asked meanwhile whether the database is there');
      assert.ok((looks[looked] as number) - back >= heartbeatMs, 'every worker could say that it is alive');
    };
    try {
      await looksAgain();
      away = true;
      await until('it has met the outage', () => errors.length > 2);
      back = performance.now();
      away = false;
      await looksAgain();
    } finally {
      stop.abort();
      await swept;
    }
  });
});
