import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { asParquet, MEMBERS } from '../support/datasets.js';
import { type FileTree, numbered, writeTar } from '../support/images.js';
import { type Importing, openImporting } from '../support/importing.js';

let importing: Importing;
before(async () => {
  importing = await openImporting();
});
after(() => importing.close());

type Labels = readonly [string, string];

/** The members of the two classes, called by the labels. */
async function listOf(labels: Labels): Promise<FileTree> {
  const rows = MEMBERS.map(({ n, label, split }) => `${n}.png,${labels[label]},${split}\n`);
  const tree: FileTree = { 'metadata.csv': `file_name,label,split\n${rows.join('')}` };
  for (const { n } of MEMBERS) tree[`${n}.png`] = await numbered(n);
  return tree;
}

async function shardOf(labels: Labels): Promise<FileTree> {
  const tree: FileTree = {};
  for (const { n, label } of MEMBERS) {
    tree[`${n}.png`] = await numbered(n);
    tree[`${n}.cls`] = labels[label] ?? '';
  }
  return tree;
}

describe('labels that nothing names', () => {
  for (const [what, labels, names, order] of [
    ['0 and 1 are numbers', ['0', '1'], ['0', '1'], 'NUMBERED'],
    ['1 and 2 are numbers, counted from 1', ['1', '2'], ['1', '2'], 'NUMBERED'],
    ['numbers with leading zeros are names', ['01', '00'], ['00', '01'], 'SORTED'],
    ['numbers too large to count classes are names', ['9999999999', '20240131'], ['20240131', '9999999999'], 'SORTED'],
    ['numbers beside words are names', ['1', 'one'], ['1', 'one'], 'SORTED'],
  ] as const) {
    it(`${what}, in a list and in a shard`, async () => {
      const shard = await writeTar(importing.place('.tar'), await shardOf(labels));
      for (const result of [
        await importing.runTree(await listOf(labels)),
        await importing.run(shard, { holdOut: 0.4 }),
      ]) {
        assert.deepEqual([result.classNames, result.classOrder, result.trainPerClass], [names, order, [2, 2]]);
      }
    });
  }

  it('numbers counted from 1 get the names that are given, the first of them that of 1', async () => {
    const { classNames, classOrder } = await importing.runTree(await listOf(['1', '2']), {
      classNames: ['rose', 'tulip'],
    });
    assert.deepEqual([classNames, classOrder], [['rose', 'tulip'], 'GIVEN']);
  });

  it('numbers that leave classes between them without images end the import', async () => {
    await assert.rejects(importing.runTree(await listOf(['3', '70000'])), {
      code: 'BAD_INPUT_FILE',
      message: /69998 of 70000 classes have no training image: 1, 2, 4, 5, 6\.$/,
    });
  });

  it('the largest number is that of the last class that a dataset may have', async () => {
    await assert.rejects(importing.runTree(await listOf(['0', '99999'])), { message: /of 100000 classes have no/ });
    const { classOrder } = await importing.runTree(await listOf(['0', '100000']));
    assert.equal(classOrder, 'SORTED');
  });
});

describe('labels of Parquet files', () => {
  it('that go beyond the names of their ClassLabel end the import', async () => {
    const tree = {
      'train.parquet': await asParquet('train', ['cat']),
      'test.parquet': await asParquet('test', ['cat']),
    };
    await assert.rejects(importing.runTree(tree), {
      code: 'BAD_INPUT_FILE',
      message: 'There are images of class "1", which is none of the 1 classes listed.',
    });
  });
});
