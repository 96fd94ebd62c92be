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

  for (const { what, asked, answer } of [
    {
      what: 'are listed in one line where a name means nothing',
      asked: ['--rows', 'IPC 11'],
      answer: /^quality: no row is named IPC 11; choose of "IPC 1, 1000 steps", /,
    },
    {
      what: 'are refused in one line where their number is none',
      asked: ['--pairs', 'two'],
      answer: /^quality: --pairs takes a number from 1 up, not two\.$/,
    },
  ]) {
    it(what, () => {
      const bench = join(import.meta.dirname, '../../bench/quality.js');
      const command = [bench, '--suite', 'cifar10', '--data', 'nowhere', ...asked];
      const { status, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' });
      assert.equal(status, 1);
      const [line, ...others] = stderr
        .split('\n')
        .filter((text) => text.includes('quality:') || text.includes('    at '));
      assert.match(line ?? '', answer);
      assert.deepEqual(others, []);
    });
  }
});
