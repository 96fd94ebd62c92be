import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readJson, resultsPath } from '../../bench/support/report.js';
import { activationBytes } from '../../src/domain/architectures.js';
import type { ArchitectureConfig } from '../../src/domain/config/architecture.js';

interface Measured {
  rows: { architecture: ArchitectureConfig; side: number; mebibytes: number }[];
}

describe('the memory that tasks are cut by', () => {
  it('is what was measured of every network, and no less', () => {
    const { rows } = readJson<Measured>(resultsPath('memory'), { rows: [] });
    assert.ok(rows.length > 0);
    for (const { architecture, side, mebibytes } of rows) {
      const planned = activationBytes(architecture, { height: side, width: side, channels: 3 }) / 2 ** 20;
      // Narrow networks are measured beside noise of a MiB.
      const message = `${architecture.name} ${side}: planned ${planned}, measured ${mebibytes}`;
      assert.ok(planned >= 0.98 * mebibytes && planned <= 1.3 * mebibytes + 1, message);
    }
  });
});
