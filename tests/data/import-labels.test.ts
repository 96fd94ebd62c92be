import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { TeddyhubError } from '../../src/domain/errors.js';
import { datasetSource } from '../../src/domain/jobs/dataset-import.js';
import { importDataset } from '../../workers/jobs/dataset-import.js';
import { asClassFolders, asList, MEMBERS, writeZip } from '../support/datasets.js';
import { type FileTree, numbered, writeTar, writeTree } from '../support/images.js';
import { type Importing, openImporting } from '../support/importing.js';

let importing: Importing;
before(async () => {
  importing = await openImporting();
});
after(() => importing.close());

describe('the label of a WebDataset sample', () => {
  /** The members of a sample in this order. */
  const run = async (order: readonly string[], options: Record<string, unknown> = {}, json: object | null = null) => {
    const tree: FileTree = {};
    for (const { n, label } of MEMBERS) {
      const members: FileTree = {
        png: await numbered(n),
        cls: `${label}`,
        json: JSON.stringify(json ?? { label: `of-json-${label}`, fine: `fine-${n % 3}` }),
      };
      for (const extension of order) tree[`${n}.${extension}`] = members[extension] ?? '';
    }
    const path = await writeTar(importing.place('.tar'), tree);
    return importing.run(path, { layout: 'WEBDATASET', holdOut: 0.3, maxSkipped: 1, ...options });
  };

  it('is its .cls, wherever it lies, and that of .json where there is none', async () => {
    for (const order of [
      ['png', 'cls', 'json'],
      ['json', 'png', 'cls'],
    ]) {
      assert.deepEqual((await run(order)).classNames, ['0', '1']);
      assert.deepEqual(
        (await run(order, {}, { other: 1 })).classNames,
        ['0', '1'],
        'a .json without labels is no label',
      );
    }
    assert.deepEqual((await run(['png', 'json'])).classNames, ['of-json-0', 'of-json-1']);
  });

  it('is the field of .json that is asked for, and no other', async () => {
    const { classNames } = await run(['cls', 'json', 'png'], { label: 'fine', holdOut: 0.5 });
    assert.deepEqual(classNames, ['fine-0', 'fine-1', 'fine-2']);
    await assert.rejects(
      run(['cls', 'json', 'png'], { label: 'nonsense', maxSkipped: 0.5 }),
      /the sample has no label/,
    );
  });

  it('is of one image: a sample of two is left out', async () => {
    const tree: FileTree = {};
    for (const { n, label } of MEMBERS)
      Object.assign(tree, { [`${n}.png`]: await numbered(n), [`${n}.cls`]: `${label}` });
    for (const n of [30, 31])
      Object.assign(tree, { [`${n}.jpg`]: await numbered(n), [`${n}.png`]: await numbered(n + 1) });
    const path = await writeTar(importing.place('.tar'), tree);
    const { skipped } = await importing.run(path, { layout: 'WEBDATASET', holdOut: 0.3, maxSkipped: 0.5 });
    assert.deepEqual(
      skipped.map(({ reason }) => reason),
      ['the sample has several images', 'the sample has several images'],
    );
  });
});

describe('a list with several test splits', () => {
  it('gives the one that is asked for, and counts the rows of the others as nothing that is wrong', async () => {
    const tree = await asList('csv');
    tree['data/metadata.csv'] = `${tree['data/metadata.csv']}`.replace(/(pictures\/12.*),test/, '$1,val');
    const { test, skipped } = await importing.runTree(tree, { testSplit: 'test' });
    assert.deepEqual([test.reduce((sum, { samples }) => sum + samples, 0), skipped], [1, []]);
  });
});

describe('reading a source', () => {
  it('from a zip in the object store ends where the store does not answer, and skips no image for it', async () => {
    const key = 'uploads/p/some';
    await importing.store.put(key, await readFile(await writeZip(importing.place('.zip'), await asClassFolders())));
    const source = datasetSource.parse({ kind: 'OBJECT', key, name: 'a.zip', maxSkipped: 1 });
    const away = new TeddyhubError('UNAVAILABLE', 'The object store does not answer.');
    let reads = 0;
    const importFailing = (which: number) => {
      reads = 0;
      const counted =
        <A extends unknown[], R>(read: (...args: A) => Promise<R>) =>
        (...args: A): Promise<R> =>
          ++reads === which ? Promise.reject(away) : read(...args);
      const { store } = importing;
      const failing = { ...store, get: counted(store.get), stream: counted(store.stream) };
      return importDataset({ source }, { ...importing.context, store: failing });
    };
    await importFailing(0);
    const last = reads;
    for (const which of [1, last - 1, last]) await assert.rejects(importFailing(which), { code: 'UNAVAILABLE' });
  });

  it('from a folder leaves out a file whose name is no UTF-8, and names it', async () => {
    const folder = await writeTree(importing.place(), await asClassFolders());
    await writeFile(
      Buffer.concat([Buffer.from(join(folder, 'train/cat/')), Buffer.of(0xe9), Buffer.from('.png')]),
      'x',
    );
    const { skipped } = await importing.run(folder, { maxSkipped: 0.5 });
    assert.deepEqual(
      skipped.map(({ record, reason }) => [record, reason]),
      [['train/cat/\ufffd.png', 'its name is no UTF-8']],
    );
  });
});
