import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { table } from '../../src/cli/quickstart/report.js';

type Row = Parameters<typeof table>[0][number];

describe("the quickstart's table", () => {
  const rowsOf = (deviation: number | null) =>
    (['DISTILLED_SET', 'RANDOM_REAL'] as const).map((subject): Row => {
      const top1 = { mean: 82.614, deviation };
      return { subject, labelKind: 'SOFT', seeds: deviation === null ? 1 : 3, top1Last: top1, top1Best: top1 };
    });

  it('tells the deviation over seeds, and none of a single seed', () => {
    assert.equal(table(rowsOf(0.3)).match(/ 82\.61 ± 0\.30/g)?.length, 2);
    assert.ok(!table(rowsOf(null)).includes('±'));
    assert.equal(table(rowsOf(null)).match(/ 82\.61/g)?.length, 2);
  });
});
