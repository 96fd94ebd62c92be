import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { readSplit } from '../../src/formats/dataset-splits.js';
import { asClassFolders, asList, asParquet, asShard, MEMBERS, writeZip } from '../support/datasets.js';
import { failureWith } from '../support/failure.js';
import { idxFile } from '../support/idx.js';
import { type FileTree, numbered, writeTar, writeTree } from '../support/images.js';
import { type Importing, openImporting } from '../support/importing.js';

let importing: Importing;
before(async () => {
  importing = await openImporting();
});
after(() => importing.close());

const expected = (split: string) =>
  MEMBERS.filter((member) => member.split === split).map(({ n, label }) => [n, label]);
const tarBytes = async (tree: FileTree) => {
  return readFile(await writeTar(importing.place('.tar'), tree));
};

describe('the layout of a source', () => {
  const layouts: Record<string, () => Promise<FileTree>> = {
    CLASS_FOLDERS: asClassFolders,
    MANIFEST: () => asList('csv'),
    WEBDATASET: async () => ({
      'shards/train-000000.tar': await tarBytes(await asShard('train')),
      'shards/test-000000.tar': await tarBytes(await asShard('test')),
    }),
    HUGGING_FACE: async () => ({
      'data/train-00000-of-00001.parquet': await asParquet('train'),
      'data/test-00000-of-00001.parquet': await asParquet('test'),
      'README.md': 'a card',
    }),
  };
  for (const [layout, make] of Object.entries(layouts)) {
    it(`${layout} is told by its files, and is the same dataset from a folder, tar, tar.gz, zip and a prefix`, async () => {
      const tree = await make();
      const options = { classNames: ['cat', 'dog'] };
      const prefix = `imports/${layout.toLowerCase()}`;
      for (const [path, bytes] of Object.entries(tree))
        await importing.store.put(`${prefix}/${path}`, Buffer.from(bytes));
      const results = [
        await importing.run(await writeTree(importing.place(), tree), options),
        await importing.run(await writeTar(importing.place('.tar'), tree), options),
        await importing.run(await writeTar(importing.place('.tar.gz'), tree), options),
        await importing.run(await writeZip(importing.place('.zip'), tree), options),
        await importing.runSource({ ...options, kind: 'PREFIX', prefix }),
      ];
      const folders = await importing.runTree(await asClassFolders());
      for (const result of results) {
        assert.equal(result.layout, layout);
        assert.deepEqual(await importing.pairs(result.train), expected('train'));
        assert.deepEqual(await importing.pairs(result.test), expected('test'));
        // Whatever the layout: the same images in the same classes are the same dataset.
        assert.equal(result.contentDigest, folders.contentDigest);
        assert.deepEqual(result.skipped, []);
      }
    });
  }

  it('has the test split that is asked for, in whatever case, or ends: none is held out in its place', async () => {
    for (const tree of [await asClassFolders(), await asList('csv')]) {
      const { test } = await importing.runTree(tree, { testSplit: 'TEST' });
      assert.deepEqual(await importing.pairs(test), expected('test'));
      await assert.rejects(importing.runTree(tree, { testSplit: 'nonsense', holdOut: 0.5 }), {
        code: 'BAD_INPUT_FILE',
        message: /no images in a split called nonsense; those with images are: .*test/,
      });
    }
  });

  it('CLASS_FOLDERS without splits may have classes called as splits are', async () => {
    const tree: FileTree = {};
    for (const [index, name] of ['bus', 'test', 'train', 'val'].entries()) {
      for (const n of [0, 1, 2]) tree[`vehicles/${name}/${n}.png`] = await numbered(10 * index + n);
    }
    const place = { layout: 'CLASS_FOLDERS', holdOut: 0.3 } as const;
    for (const path of [await writeTree(importing.place(), tree), await writeTar(importing.place('.tar'), tree)]) {
      const { classNames, trainPerClass, skipped } = await importing.run(path, place);
      assert.deepEqual(
        [classNames, trainPerClass],
        [
          ['bus', 'test', 'train', 'val'],
          [2, 2, 2, 2],
        ],
      );
      assert.deepEqual(skipped, []);
    }
    // Folders of splits without folders of classes, and classes above their splits, are no classes of these names.
    const image = await numbered(91);
    for (const folders of [
      ['train', 'test'],
      ['cat/train', 'cat/test', 'dog/train', 'dog/test'],
    ]) {
      const flat = Object.fromEntries(folders.flatMap((folder) => [0, 1, 2].map((n) => [`${folder}/${n}.png`, image])));
      await assert.rejects(importing.runTree(flat, { ...place, holdOut: 0.5 }), {
        code: 'BAD_INPUT_FILE',
        message: /The folders test, train are splits by their names/,
      });
    }
    // Beside folders of splits, what lies in them directly is of no class.
    const splits = { ...(await asClassFolders()), 'train/stray.png': await numbered(90) };
    const { skipped } = await importing.runTree(splits, { maxSkipped: 0.5 });
    assert.deepEqual(
      skipped.map(({ record, reason }) => [record, reason]),
      [['train/stray.png', 'it lies in no folder of a class']],
    );
  });

  it('is told with what went wrong where it was guessed and the files speak for another as well', async () => {
    const tree = await asClassFolders();
    const untold = /^(?!.*layout \(--layout\))/;
    const strays: FileTree = {
      'noisy.csv': 'path,noisy_labels_0\ntrain/cat/10.png,n01\n',
      'original.tgz': await readFile(await writeTar(importing.place('.tar.gz'), { 'a.png': 'x' })),
    };
    for (const [stray, guess] of [
      ['noisy.csv', 'MANIFEST'],
      ['original.tgz', 'WEBDATASET'],
    ] as const) {
      const mixed = { ...tree, [stray]: strays[stray] ?? '' };
      const words = `. It was read as ${guess} by the names of its files, which speak for CLASS_FOLDERS as well: say with layout (--layout) which it is.`;
      await assert.rejects(importing.runTree(mixed), failureWith('BAD_INPUT_FILE', words));
      const { trainPerClass } = await importing.runTree(mixed, { layout: 'CLASS_FOLDERS', maxSkipped: 0.2 });
      assert.deepEqual(trainPerClass, [2, 2]);
      // Nothing was guessed, or nothing else could be meant.
      await assert.rejects(importing.runTree(mixed, { layout: guess }), failureWith('BAD_INPUT_FILE', untold));
    }
    await assert.rejects(importing.runTree({ 'train/cat/0.png': '' }), failureWith('BAD_INPUT_FILE', untold));
  });

  it('with splits too deep to count is refused by name, and makes no training images of a test split', async () => {
    const deep = (tree: FileTree) =>
      Object.fromEntries(Object.entries(tree).map(([path, bytes]) => [`home/me/data/${path}`, bytes]));
    const folders = deep(await asClassFolders());
    const path = await writeTree(importing.place(), folders);
    for (const source of [path, await writeTar(importing.place('.tar'), folders)]) {
      for (const options of [{ holdOut: 0.5 }, { testSplit: 'test' }]) {
        await assert.rejects(
          importing.run(source, options),
          failureWith(
            'BAD_INPUT_FILE',
            /^home\/me\/data\/test\/(cat\/12|dog\/22)\.png: test is a split by its name, .*: import home\/me\/data itself/,
          ),
        );
      }
    }
    assert.deepEqual(await importing.pairs((await importing.run(join(path, 'home/me/data'))).test), expected('test'));
    const { 'data/metadata.csv': _, ...images } = await asList('csv');
    const list = ['file_name,label', ...MEMBERS.map(({ n, label, split }) => `a/b/${split}/${n}.png,${label}`)];
    const listed: FileTree = { 'metadata.csv': list.join('\n') };
    for (const { n, split } of MEMBERS) listed[`a/b/${split}/${n}.png`] = images[`data/pictures/${n}.png`] ?? '';
    await assert.rejects(
      importing.runTree(listed, { holdOut: 0.5 }),
      failureWith(
        'BAD_INPUT_FILE',
        'metadata.csv: row 6, a/b/test/12.png: test is a split by its name, and lies too deep to count as one',
      ),
    );
    listed['metadata.csv'] = list.map((row) => row + (row.startsWith('file') ? ',split' : ',train')).join('\n');
    assert.deepEqual((await importing.runTree(listed, { holdOut: 0.3 })).trainPerClass, [2, 2]);
  });

  it('is asked for where it cannot be told', async () => {
    const run = importing.runTree({ 'a.bin': 'x', 'b.dat': 'y' });
    await assert.rejects(run, { code: 'BAD_INPUT_FILE', message: /layout .*CLASS_FOLDERS/ });
  });
});

describe('importing WebDataset shards', () => {
  it('takes a single shard, and holds a test split out of it', async () => {
    const path = await writeTar(importing.place('.tar'), await asShard('train'));
    const result = await importing.run(path, { holdOut: 0.5 });
    assert.deepEqual([result.layout, result.classNames, result.trainPerClass], ['WEBDATASET', ['0', '1'], [1, 1]]);
  });

  it('lists samples without an image or a label', async () => {
    const tree = await asShard('train');
    tree['30.png'] = tree['10.png'] ?? '';
    tree['31.cls'] = '1';
    const path = await writeTar(importing.place('.tar'), tree);
    const { skipped } = await importing.run(path, { holdOut: 0.5, maxSkipped: 0.5 });
    assert.deepEqual(
      skipped.map(({ record, reason }) => [record, reason]),
      [
        ['30.png', 'the sample has no label'],
        ['31', 'the sample has no image'],
      ],
    );
  });
});

describe('importing Parquet', () => {
  it('takes the names and the order of the classes from the ClassLabel', async () => {
    const names = ['zebra', 'ape'];
    const tree = {
      'train-0.parquet': await asParquet('train', names),
      'test-0.parquet': await asParquet('test', names),
    };
    const result = await importing.runTree(tree);
    assert.deepEqual([result.classNames, result.classOrder], [names, 'SOURCE']);
    assert.deepEqual(await importing.pairs(result.train), expected('train'));
  });

  it('refuses what is no Parquet, and files that disagree about the classes', async () => {
    const broken = importing.runTree({ 'train.parquet': 'PAR1 and nothing else' });
    await assert.rejects(broken, { code: 'BAD_INPUT_FILE', message: /train\.parquet: it is no readable Parquet/ });
    const disagree = importing.runTree({
      'train.parquet': await asParquet('train'),
      'test.parquet': await asParquet('test', ['dog', 'cat']),
    });
    await assert.rejects(disagree, { code: 'BAD_INPUT_FILE', message: /classes are not those/ });
  });
});

describe("importing CIFAR's binary version", () => {
  const record = (labels: number[], n: number) =>
    Buffer.concat([Buffer.from(labels), ...[n, n + 1, n + 2].map((value) => Buffer.alloc(1024, value))]);

  it('reads CIFAR-10 with its names, whatever comes first', async () => {
    const tree = {
      'cifar-10-batches-bin/test_batch.bin': Buffer.concat([record([0], 30), record([1], 40)]),
      'cifar-10-batches-bin/data_batch_1.bin': Buffer.concat([record([1], 20), record([0], 10)]),
      'cifar-10-batches-bin/batches.meta.txt': 'airplane\nautomobile\n\n',
    };
    const result = await importing.run(await writeTar(importing.place('.tar.gz'), tree));
    assert.deepEqual([result.layout, result.classNames], ['CIFAR_BINARY', ['airplane', 'automobile']]);
    assert.deepEqual(result.shape, { height: 32, width: 32, channels: 3 });
    assert.deepEqual(await importing.pairs(result.train), [
      [10, 0],
      [20, 1],
    ]);
    const { images } = await readSplit(importing.store, result.test);
    assert.deepEqual(
      [...images.subarray(0, 3)].map((value) => value % 10),
      [0, 1, 2],
    );
  });

  it('reads the fine or the coarse labels of CIFAR-100', async () => {
    const tree = {
      'train.bin': Buffer.concat([record([1, 0], 10), record([0, 1], 20), record([0, 2], 25)]),
      'test.bin': record([1, 0], 30),
      'fine_label_names.txt': 'apple\nbus\ncar\n',
      'coarse_label_names.txt': 'vehicle\nfruit\n',
    };
    assert.deepEqual((await importing.runTree(tree)).trainPerClass, [1, 1, 1]);
    const coarse = await importing.runTree(tree, { label: 'coarse' });
    assert.deepEqual(
      [coarse.classNames, coarse.trainPerClass],
      [
        ['vehicle', 'fruit'],
        [2, 1],
      ],
    );
  });

  it('refuses a file that ends within a record', async () => {
    const run = importing.runTree({
      'data_batch_1.bin': record([0], 1).subarray(0, 3000),
      'test_batch.bin': record([0], 2),
    });
    await assert.rejects(run, { code: 'BAD_INPUT_FILE', message: /data_batch_1\.bin.*whole record/ });
  });
});

describe('importing the files of the MNIST family', () => {
  const files = (): FileTree => ({
    'raw/train-images-idx3-ubyte.gz': gzipSync(
      idxFile([2, 2, 3], Buffer.from([...'aaaaaabbbbbb'].map((c) => c.charCodeAt(0)))),
    ),
    'raw/t10k-images-idx3-ubyte.gz': gzipSync(idxFile([1, 2, 3], Buffer.alloc(6, 7))),
    'raw/train-labels-idx1-ubyte.gz': gzipSync(idxFile([2], Buffer.of(1, 0))),
    'raw/t10k-labels-idx1-ubyte.gz': gzipSync(idxFile([1], Buffer.of(1))),
  });

  it('reads them out of an archive, gzipped in it, images before their labels', async () => {
    const result = await importing.run(await writeTar(importing.place('.tar'), files()));
    assert.deepEqual([result.layout, result.shape], ['IDX', { height: 2, width: 3, channels: 1 }]);
    assert.deepEqual(await importing.pairs(result.train), [
      ['a'.charCodeAt(0), 1],
      ['b'.charCodeAt(0), 0],
    ]);
  });

  /** Other images and labels than those of `files`. */
  const others = (folder: string): FileTree =>
    Object.fromEntries(
      Object.entries({
        'train-images-idx3-ubyte': idxFile([1, 2, 3], Buffer.alloc(6, 1)),
        'train-labels-idx1-ubyte': idxFile([1], Buffer.of(0)),
      }).map(([name, bytes]) => [`${folder}/${name}`, bytes]),
    );

  it('takes a file that lies beside its unpacked form once, and skips nothing', async () => {
    const tree = files();
    const both = Object.entries(tree).flatMap(([path, bytes]) => [
      [path, bytes],
      [path.replace('.gz', ''), gunzipSync(bytes as Buffer)],
    ]);
    const { contentDigest } = await importing.runTree(tree);
    for (const order of [both, both.toReversed()]) {
      const result = await importing.run(await writeTar(importing.place('.tar'), Object.fromEntries(order)));
      assert.deepEqual([result.contentDigest, result.skipped], [contentDigest, []]);
    }
  });

  it('refuses two sets in one source, in whatever order, and names a file of each', async () => {
    const message =
      'other/train-images-idx3-ubyte and raw/train-images-idx3-ubyte.gz both hold the images of the train split: import a folder with only one of them.';
    for (const tree of [
      { ...files(), ...others('other') },
      { ...others('other'), ...files() },
    ]) {
      const path = await writeTar(importing.place('.tar'), tree);
      await assert.rejects(importing.run(path), { code: 'BAD_INPUT_FILE', message });
    }
    const labels = { ...files(), 'raw/emnist-train-labels-idx1-ubyte': idxFile([2], Buffer.of(0, 1)) };
    await assert.rejects(importing.runTree(labels), {
      code: 'BAD_INPUT_FILE',
      message:
        /raw\/emnist-train-labels-idx1-ubyte and raw\/train-labels-idx1-ubyte\.gz both hold the labels of the train/,
    });
  });

  it('lists what lies beside them and is none of them, of no split', async () => {
    const tree = files();
    const { contentDigest } = await importing.runTree(tree);
    const strays = ['raw/LICENSE', 'raw/README.md', 'raw/emnist-mapping.txt', 'raw/labels.csv'];
    for (const stray of strays) tree[stray] = 'text';
    const result = await importing.runTree(tree, { maxSkipped: 0.9 });
    assert.equal(result.contentDigest, contentDigest);
    assert.deepEqual(
      result.skipped,
      strays.map((record) => ({ split: null, record, reason: 'it is no IDX file by its name' })),
    );
  });

  it('refuses images without their labels', async () => {
    const tree = files();
    delete tree['raw/t10k-labels-idx1-ubyte.gz'];
    await assert.rejects(importing.runTree(tree), {
      code: 'BAD_INPUT_FILE',
      message: /1 images and no labels of its test/,
    });
  });
});
