/** What a benchmark is asked for by name is what it measures: a wrong row costs hours. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { namedOf } from '../../bench/support/chosen.js';
import { digestOf } from '../../bench/support/digest.js';
import { readJson, resultsPath } from '../../bench/support/report.js';
import { optionsDigest } from '../../bench/support/suite-options.js';
import { METHODS, SUITES } from '../../bench/support/suites.js';

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
    assert.deepEqual(
      named('IPC 10, 1000'),
      ['', ', rate .003', ', crops of 50 %'].map((variant) => `IPC 10, 1000 steps${variant}`),
    );
  });
});

describe('the accuracies that are kept', () => {
  it('are of the options that their suites have now: `quality` would drop others', () => {
    for (const [name, suite] of Object.entries(SUITES)) {
      const { rows: kept } = readJson<{ rows: Record<string, Record<string, { measured: { options: string }[] }>> }>(
        resultsPath(`quality-${name}`),
        { rows: {} },
      );
      let compared = 0;
      for (const row of suite.rows) {
        for (const method of METHODS) {
          for (const { options } of kept[row.name]?.[method]?.measured ?? []) {
            assert.equal(options, optionsDigest(suite, row, method), `${name}: ${row.name}, ${method}`);
            compared++;
          }
        }
      }
      assert.ok(compared > 0, `${name} has no results`);
      assert.deepEqual(
        Object.keys(kept).filter((key) => !suite.rows.some((row) => row.name === key)),
        [],
        name,
      );
    }
  });

  it('are found again whatever the order in which a configuration has its options', () => {
    assert.equal(digestOf([{ a: 1, b: { c: [0], d: 2 } }]), digestOf([{ b: { d: 2, c: [0], e: false }, a: 1 }]));
    assert.notEqual(digestOf([{ a: [1, 2] }]), digestOf([{ a: [2, 1] }]));
  });
});

/** What is wrong with a command line is found before anything is computed, and before results are written over. */
describe('a benchmark refuses in one line', () => {
  const cifar10 = ['--suite', 'cifar10', '--data', 'nowhere'];
  for (const { what, bench, asked, answer } of [
    {
      what: 'a row that there is not, and lists those that there are',
      bench: 'quality',
      asked: [...cifar10, '--rows', 'IPC 11'],
      answer: /^quality: no row is named IPC 11; choose of "IPC 1, 1000 steps", /,
    },
    {
      what: 'a number of pairs that is none',
      bench: 'quality',
      asked: [...cifar10, '--pairs', 'two'],
      answer: /^quality: --pairs takes a number from 1 up, not two\.$/,
    },
    {
      what: 'a first pair after the last one',
      bench: 'quality',
      asked: [...cifar10, '--pairs', '2', '--from', '3'],
      answer: /^quality: --from 3: of these rows 2 pairs are measured at most\.$/,
    },
    {
      what: 'a method that there is not',
      bench: 'quality',
      asked: [...cifar10, '--methods', 'teddy'],
      answer: /^quality: --methods takes RANDOM_REAL, TEDDY, REAL_CROPS, SRE2L, not teddy\.$/,
    },
    {
      what: 'images that are not where they should be',
      bench: 'quality',
      asked: cifar10,
      answer: /^quality: nowhere: there is no such file\.$/,
    },
    {
      what: 'an option that it does not have',
      bench: 'memory',
      asked: ['--rounds', '3'],
      answer: /^memory: Unknown option '--rounds'; it takes no options\.$/,
    },
    {
      what: 'no rounds at all',
      bench: 'engine',
      asked: ['--rounds', '0'],
      answer: /^engine: --rounds takes a number from 1 up, not 0\.$/,
    },
    {
      what: 'a Python without PyTorch',
      bench: 'engine',
      asked: ['--python', 'nowhere'],
      answer: /^engine: nowhere has no torch: run npm run check:pytorch once, or name a Python with it by --python\.$/,
    },
    {
      what: 'a number of seeds that is none',
      bench: 'time-to-accuracy',
      asked: ['--seeds', 'abc'],
      answer: /^time-to-accuracy: --seeds takes a number from 1 up, not abc\.$/,
    },
    {
      what: 'words that are in the names of several rows where it takes one',
      bench: 'time-to-accuracy',
      asked: ['--row', 'IPC'],
      answer: /^time-to-accuracy: --row IPC names \d+ rows; name one of them\.$/,
    },
    {
      what: 'a part that there is not',
      bench: 'data',
      asked: ['--only', 'foo'],
      answer: /^data: --only takes download, archives, pixels, memory, not foo\.$/,
    },
    {
      what: 'to go without the archives that it reads',
      bench: 'data',
      asked: ['--only', 'pixels'],
      answer: /^data: the parts archives and pixels need --data <folder of cifar10-jpeg/,
    },
  ]) {
    it(what, () => {
      const script = join(import.meta.dirname, `../../bench/${bench}.js`);
      const command = [script, ...asked];
      const { status, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' });
      assert.equal(status, 1);
      const [line, ...others] = stderr
        .split('\n')
        .filter((text) => text.includes(`${bench}: `) || text.includes('    at '));
      assert.match(line ?? '', answer);
      assert.deepEqual(others, []);
    });
  }
});
