/** What a benchmark is asked for by name is what it measures: a wrong row costs hours. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { namedOf } from '../../bench/support/chosen.js';
import { SUITES } from '../../bench/support/suites.js';

const rows = SUITES.cifar10?.rows ?? [];
const named = (...parts: string[]) => namedOf(rows, 'quality', 'row', parts).map(({ name }) => name);

describe('the rows of a benchmark', () => {
  it('have names of their own, under which results are kept', () => {
    for (const suite of Object.values(SUITES)) {
      const names = suite.rows.map(({ name }) => name);
      assert.deepEqual([...new Set(names)], names);
    }
  });

  it('are chosen by an exact name alone, though another has the same words in its name', () => {
    assert.ok(rows.some(({ name }) => name === 'IPC 10, 1000 steps, rate .003'));
    assert.deepEqual(named('IPC 10, 1000 steps'), ['IPC 10, 1000 steps']);
  });

  it('are chosen by whole words', () => {
    assert.deepEqual(named('IPC 10, 1000'), ['IPC 10, 1000 steps', 'IPC 10, 1000 steps, rate .003']);
  });

  it('are listed in one line where a name means nothing', () => {
    const bench = join(import.meta.dirname, '../../bench/quality.js');
    const asked = ['--suite', 'cifar10', '--data', 'nowhere', '--rows', 'IPC 11'];
    const { status, stderr } = spawnSync(process.execPath, [bench, ...asked], { encoding: 'utf8' });
    assert.equal(status, 1);
    const [line, ...others] = stderr
      .split('\n')
      .filter((text) => text.includes('quality:') || text.includes('    at '));
    assert.match(line ?? '', /^quality: no row is named IPC 11; choose of "IPC 1, 1000 steps", /);
    assert.deepEqual(others, []);
  });
});
