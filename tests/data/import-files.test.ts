import assert from 'node:assert/strict';
import { linkSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import sharp from 'sharp';
import { readSplit } from '../../src/formats/dataset-splits.js';
import type { ObjectStore } from '../../src/platform/object-store/object-store.js';
import { classFolderTree, type FileTree, numbered, plain, writeTar, writeTree } from '../support/images.js';
import { type Importing, openImporting } from '../support/importing.js';

let importing: Importing;
let store: ObjectStore;
before(async () => {
  importing = await openImporting();
  store = importing.store;
});
after(() => importing.close());

const place = (name?: string) => importing.place(name);
const run = (path: string, options: Record<string, unknown> = {}) => importing.run(path, options);
const runTree = (tree: FileTree, options: Record<string, unknown> = {}) => importing.runTree(tree, options);

const greyJpeg = (background: string): Promise<Buffer> =>
  sharp({ create: { width: 8, height: 8, channels: 3, background } })
    .jpeg()
    .toBuffer();

/** The tar without what came after V7: magic, owners, and types of files and folders. */
function asV7(archive: Buffer): Buffer {
  for (let at = 0; archive[at] !== 0; ) {
    const header = archive.subarray(at, at + 512);
    const bytes = Number.parseInt(header.toString('latin1', 124, 135), 8);
    header.fill(0, 156, 157).fill(0, 257, 512).fill(' ', 148, 156);
    const sum = header.reduce((all, byte) => all + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    at += 512 + Math.ceil(bytes / 512) * 512;
  }
  return archive;
}

describe('importing class folders', () => {
  it('makes the same dataset of a folder, a tar and a tar.gz, whatever the order and the names of the files', async () => {
    const tree = await classFolderTree(['cat', 'dog']);
    const backwards = Object.fromEntries(Object.entries(tree).reverse());
    const renamed = Object.fromEntries(
      Object.entries(tree).map(([path, bytes], i) => [`photos/${path.replace(/\d+/, `${99 - i}`)}`, bytes]),
    );
    const results = [
      await runTree(tree),
      await run(await writeTar(place('.tar'), backwards)),
      await run(await writeTar(place('.tar.gz'), renamed)),
    ];
    for (const { contentDigest, classNames, trainPerClass, skipped } of results) {
      assert.equal(contentDigest, results[0]?.contentDigest);
      assert.deepEqual([classNames, trainPerClass, skipped], [['cat', 'dog'], [3, 3], []]);
    }
  });

  it('reads a tar of the oldest kind, whose headers have no magic and whose folders are files with a slash', async () => {
    const tree = await classFolderTree(['cat', 'dog']);
    const { contentDigest } = await runTree(tree);
    const folders = ['train/', 'train/cat/'].map((name) => [name, ''] as const);
    const path = await writeTar(place('.tar'), { ...Object.fromEntries(folders), ...tree });
    await writeFile(path, asV7(await readFile(path)));
    const result = await run(path);
    assert.deepEqual([result.contentDigest, result.skipped], [contentDigest, []]);
  });

  it('keeps every pixel with its label', async () => {
    const tree = await classFolderTree(['cat', 'dog'], { train: 2 });
    const { train, shape } = await runTree(tree);
    assert.deepEqual(shape, { height: 6, width: 8, channels: 3 });
    const { images, labels } = await readSplit(store, train);
    const seen = [...labels].map((label, i) => [images[i * 144], label]).sort();
    assert.deepEqual(seen, [
      [0, 0],
      [1, 0],
      [3, 1],
      [4, 1],
    ]);
  });

  it('lists images outside of the folders of splits, where there are such, and makes no class of theirs', async () => {
    const tree = await classFolderTree(['cat', 'dog']);
    const { contentDigest } = await runTree(tree);
    for (const more of ['dev/cat/0.png', 'several/0.png']) {
      const result = await runTree({ [more]: await numbered(200), ...tree }, { maxSkipped: 0.5 });
      assert.equal(result.contentDigest, contentDigest);
      assert.deepEqual(result.skipped, [
        { split: null, record: more, reason: 'it lies in no folder of a split, as others do' },
      ]);
    }
  });

  it('orders classes by code points, and by the list that is given', async () => {
    const tree = await classFolderTree(['b', 'é', 'B', '😀', '猫']);
    assert.deepEqual((await runTree(tree)).classNames, ['B', 'b', 'é', '猫', '😀']);
    const given = ['😀', 'b', '猫', 'B', 'é'];
    assert.deepEqual((await runTree(tree, { classNames: given })).classNames, given);
  });

  it('takes composed and decomposed names for the same class', async () => {
    const composed = await runTree(await classFolderTree(['caf\u00e9', 'bar']));
    const decomposed = await runTree(await classFolderTree(['cafe\u0301', 'bar']));
    assert.equal(decomposed.contentDigest, composed.contentDigest);
  });

  it('has one channel where all images are grey, however they are stored, and three where one is not', async () => {
    const tree = await classFolderTree(['cat', 'dog'], { train: 1 });
    for (const [i, path] of Object.keys(tree).entries()) {
      const grey = plain([i * 20, i * 20, i * 20]);
      tree[path] = await (i % 2 === 0 ? grey.png() : grey.toColourspace('b-w').png()).toBuffer();
    }
    const grey = await runTree(tree);
    assert.equal(grey.shape.channels, 1);
    assert.equal((await readSplit(store, grey.train)).images.length, 2 * 48);
    tree['train/dog/colour.png'] = await numbered(200);
    const mixed = await runTree(tree);
    assert.equal(mixed.shape.channels, 3);
    const { images } = await readSplit(store, mixed.train);
    const firsts = [0, 1, 2].map((i) => [...images.subarray(i * 144, i * 144 + 3)]).sort(([a = 0], [b = 0]) => a - b);
    assert.deepEqual(firsts, [
      [0, 0, 0],
      [40, 40, 40],
      [200, 55, 120],
    ]);
  });

  it('makes the same pixels of the same grey images before and after the first that is not', async () => {
    const tree = await classFolderTree(['cat', 'dog'], { train: 1 });
    tree['train/cat/grey.png'] = await plain([9, 9, 9]).png().toBuffer();
    const first = await run(await writeTar(place('.tar'), tree));
    const last = await run(await writeTar(place('.tar'), Object.fromEntries(Object.entries(tree).reverse())));
    assert.equal(last.contentDigest, first.contentDigest);
  });

  it('refuses a class without an image, by name', async () => {
    const path = await writeTree(place(), await classFolderTree(['cat', 'dog']));
    await mkdir(join(path, 'train', 'unicorn'));
    await assert.rejects(run(path), { code: 'BAD_INPUT_FILE', message: /1 of 3 classes .*unicorn/ });
  });

  it('refuses images of mixed sizes unless one is given', async () => {
    const tree = await classFolderTree(['cat', 'dog']);
    tree['train/cat/large.png'] = await numbered(99, 20, 30);
    await assert.rejects(runTree(tree), { code: 'BAD_INPUT_FILE', message: /20x30.*size/ });
    const { shape } = await runTree(tree, { image: { size: { height: 5, width: 5 } } });
    assert.deepEqual(shape, { height: 5, width: 5, channels: 3 });
  });

  it('refuses two test splits until it is told which one counts', async () => {
    const tree = await classFolderTree(['cat', 'dog']);
    for (const name of ['cat', 'dog']) tree[`val/${name}/0.png`] = await numbered(name === 'cat' ? 70 : 71);
    await assert.rejects(runTree(tree), { code: 'BAD_INPUT_FILE', message: /testSplit/ });
    const { test } = await runTree(tree, { testSplit: 'val' });
    const { images } = await readSplit(store, test);
    assert.deepEqual([images[0], images[144]].sort(), [70, 71]);
  });

  it('holds out the same images whatever the source, where there is no test split', async () => {
    const tree = await classFolderTree(['cat', 'dog'], { train: 8, test: 0 });
    await assert.rejects(runTree(tree), { code: 'BAD_INPUT_FILE', message: /holdOut/ });
    const fromFolder = await runTree(tree, { holdOut: 0.25 });
    const fromTar = await run(await writeTar(place('.tar'), tree), { holdOut: 0.25 });
    assert.deepEqual(fromFolder.trainPerClass, [6, 6]);
    assert.equal(fromTar.contentDigest, fromFolder.contentDigest);
    await assert.rejects(runTree(tree, { holdOut: 0.05 }), {
      code: 'BAD_INPUT_FILE',
      message: /holdOut 0.05 leaves no test image in any class: take a larger share/,
    });
  });
});

describe('a folder of very many files', () => {
  it('is imported whole, and what is there many times is told of', { timeout: 120_000 }, async () => {
    const FILES = 20_000;
    const folder = place();
    const [cat, dog] = await Promise.all(['#202020', '#e0e0e0'].map((colour) => greyJpeg(colour)));
    await writeTree(folder, { 'train/dog/0.jpg': dog ?? '', 'test/dog/0.jpg': dog ?? '', 'test/cat/0.jpg': cat ?? '' });
    // Links take a twentieth of the time of files.
    await mkdir(join(folder, 'train/cat'));
    const first = join(folder, 'test/cat/0.jpg');
    for (let i = 0; i < FILES; i++) linkSync(first, join(folder, 'train/cat', `${i}.jpg`));
    const { trainPerClass, skipped, duplicateCount, duplicates } = await run(folder);
    assert.deepEqual([trainPerClass, skipped, duplicateCount], [[FILES, 1], [], FILES + 1]);
    assert.equal(duplicates.length, FILES + 1);
  });
});

describe('importing Tiny-ImageNet', () => {
  const tinyTree = async (): Promise<FileTree> => ({
    'tiny/val/images/val_0.JPEG': await numbered(50),
    'tiny/val/images/val_1.JPEG': await numbered(51),
    'tiny/train/n02/images/n02_0.JPEG': await numbered(2),
    'tiny/train/n02/n02_boxes.txt': 'n02_0.JPEG\t0\t0\t9\t9\n',
    'tiny/train/n01/images/n01_0.JPEG': await numbered(1),
    'tiny/test/images/test_0.JPEG': await numbered(60),
    'tiny/val/val_annotations.txt': 'val_0.JPEG\tn01\t0\t0\t9\t9\nval_1.JPEG\tn02\t0\t0\t9\t9\n',
    'tiny/wnids.txt': 'n02\nn01\n',
    'tiny/words.txt': 'n01\tone\nn02\ttwo\n',
  });
  const layout = 'TINY_IMAGENET';

  it('takes classes in the order of wnids.txt and the classes of val from its annotations, wherever they lie', async () => {
    const tree = await tinyTree();
    const fromFolder = await runTree(tree, { layout });
    const fromTar = await run(await writeTar(place('.tar.gz'), tree), { layout });
    assert.equal(fromTar.contentDigest, fromFolder.contentDigest);
    assert.deepEqual([fromTar.classNames, fromTar.skipped], [['n02', 'n01'], []]);
    const { images, labels } = await readSplit(store, fromTar.test);
    const seen = [...labels].map((label, i) => [images[i * 144], label]).sort();
    assert.deepEqual(seen, [
      [50, 1],
      [51, 0],
    ]);
  });

  it('lists images of val that the annotations do not name', async () => {
    const tree = { ...(await tinyTree()), 'tiny/val/images/val_2.JPEG': await numbered(52) };
    const { skipped } = await runTree(tree, { layout, maxSkipped: 0.5 });
    assert.deepEqual(skipped, [
      { split: null, record: 'tiny/val/images/val_2.JPEG', reason: 'val_annotations.txt does not name it' },
    ]);
  });

  it('needs no annotations where there is no val, whatever else lies there', async () => {
    const tree = Object.fromEntries(Object.entries(await tinyTree()).filter(([path]) => !path.includes('/val')));
    tree['tiny/train/n01/images/n01_1.JPEG'] = await numbered(11);
    tree['tiny/train/n02/images/n02_1.JPEG'] = await numbered(12);
    tree['tiny/README.md'] = 'text';
    const { trainPerClass, skipped } = await runTree(tree, { layout, holdOut: 0.5, maxSkipped: 0.5 });
    assert.deepEqual(trainPerClass, [1, 1]);
    assert.deepEqual(skipped, [
      { split: null, record: 'tiny/README.md', reason: 'it has no place in the layout of Tiny-ImageNet' },
    ]);
  });

  for (const list of ['wnids.txt', 'val/val_annotations.txt']) {
    it(`says so where ${list} is missing`, async () => {
      const tree = await tinyTree();
      delete tree[`tiny/${list}`];
      await assert.rejects(runTree(tree, { layout }), { code: 'BAD_INPUT_FILE', message: new RegExp(list) });
    });
  }
});
