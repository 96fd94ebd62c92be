import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { asList } from '../support/datasets.js';
import { type FileTree, numbered, writeTar } from '../support/images.js';
import { type Importing, openImporting } from '../support/importing.js';

let importing: Importing;
before(async () => {
  importing = await openImporting();
});
after(() => importing.close());

const refused = (message: RegExp | string) => ({ code: 'BAD_INPUT_FILE', message });

describe('importing a list of files', () => {
  it('reads JSON lines like CSV, and numbers like names', async () => {
    const { contentDigest } = await importing.runTree(await asList('csv'));
    assert.equal((await importing.runTree(await asList('jsonl'))).contentDigest, contentDigest);
  });

  it('reads lists as Windows writes them: backslashes in names, and a byte order mark', async () => {
    const { contentDigest } = await importing.runTree(await asList('csv'));
    for (const kind of ['csv', 'jsonl'] as const) {
      const tree = await asList(kind);
      const list = `${tree[`data/metadata.${kind}`]}`;
      const separator = kind === 'csv' ? '\\' : '\\\\';
      tree[`data/metadata.${kind}`] = `\ufeff${list.replaceAll('pictures/', `pictures${separator}`)}`;
      const result = await importing.runTree(tree);
      assert.deepEqual([result.contentDigest, result.skipped], [contentDigest, []]);
    }
    // A backslash that is part of a file's name is none that separates folders.
    const tree = { 'metadata.csv': 'file_name,label\na\\1.png,x\na\\2.png,x\nb/1.png,y\nb/2.png,y\n' };
    const images = ['a\\1.png', 'a\\2.png', 'b/1.png', 'b/2.png'];
    const files = Object.fromEntries(await Promise.all(images.map(async (name, n) => [name, await numbered(n)])));
    const { trainPerClass, skipped } = await importing.runTree({ ...tree, ...files }, { holdOut: 0.5 });
    assert.deepEqual([trainPerClass, skipped], [[1, 1], []]);
  });

  it('tells of files that are not listed and of listed files that are not there', async () => {
    const tree = await asList('csv');
    tree['data/pictures/99.png'] = tree['data/pictures/10.png'] ?? '';
    delete tree['data/pictures/11.png'];
    const { skipped } = await importing.runTree(tree, { maxSkipped: 0.5 });
    assert.deepEqual(
      skipped.map(({ record, reason }) => [record, reason]),
      [
        ['data/pictures/11.png', 'it is listed, but not there'],
        ['data/pictures/99.png', 'it is not listed in data/metadata.csv'],
      ],
    );
  });

  it('tells of a listed file that cannot be used once, and why', async () => {
    const tree = await asList('csv');
    tree['data/pictures/11.png'] = 'no image';
    const { skipped } = await importing.runTree(tree, { maxSkipped: 0.5 });
    assert.deepEqual(
      skipped.map(({ record }) => record),
      ['data/pictures/11.png'],
    );
    assert.match(skipped[0]?.reason ?? '', /no JPEG/);
  });

  for (const [what, list, message] of [
    ['without a column of files', 'name,label\na,b\n', /names no file/],
    ['without a column of classes', 'file_name,colour\na.png,red\n', /names no class/],
    ['with a path that leads out', 'file_name,label\n../../etc/passwd,a\n', /leads out/],
    ['with a path that leads out as Windows has it', 'file_name,label\na\\..\\..\\b.png,a\n', /leads out/],
    ['with two classes for one file', 'file_name,label\na.png,x\na.png,y\n', /two classes/],
    [
      'with two splits for one file',
      'file_name,label,split\na.png,x,train\na.png,x,test\n',
      /two splits, train and test/,
    ],
    ['that is no CSV', 'file_name,label\n"a.png,x\n', /no readable CSV/],
  ] as const) {
    it(`refuses a list ${what}, and names it`, async () => {
      const run = importing.runTree({ 'metadata.csv': list, 'a.png': 'x' }, { layout: 'MANIFEST' });
      await assert.rejects(run, (error: Error & { code?: string }) => {
        assert.equal(error.code, 'BAD_INPUT_FILE');
        assert.match(error.message, message);
        assert.match(error.message, /^metadata\.csv/);
        return true;
      });
    });
  }
});

describe('several lists in one source', () => {
  /** A list of other classes for the same files, with a row that is nobody's. */
  const other =
    'file_name,label,split\npictures/10.png,owl,train\npictures/11.png,elk,train\npictures/1.png,elk,train\n';
  const both = async (first: string, second: string, lists: Record<string, Buffer | string | undefined>) => {
    const { 'data/metadata.csv': list, ...images } = await asList('csv');
    const all: Record<string, Buffer | string | undefined> = { 'data/metadata.csv': list, ...lists };
    const tree: FileTree = { [first]: all[first] ?? '', ...images, [second]: all[second] ?? '' };
    return writeTar(importing.place('.tar'), tree);
  };
  const eachOrder = async (
    [one, two]: readonly [string, string],
    lists: Record<string, string>,
    check: (path: string) => Promise<void>,
  ) => {
    await check(await both(one, two, lists));
    await check(await both(two, one, lists));
  };

  it('metadata.csv counts, in whatever order they come, and nothing is left of the other', async () => {
    const alone = await importing.runTree(await asList('csv'));
    for (const list of [other, 'name,colour\na,b\n', '"no CSV', '']) {
      await eachOrder(['data/metadata.csv', 'data/b.csv'], { 'data/b.csv': list }, async (path) => {
        const { contentDigest, skipped } = await importing.run(path);
        assert.deepEqual([contentDigest, skipped], [alone.contentDigest, []]);
      });
    }
  });

  it('without a metadata.csv, two end the import in one line that names both', async () => {
    await eachOrder(['data/a.csv', 'data/b.jsonl'], { 'data/a.csv': other, 'data/b.jsonl': '{}' }, async (path) => {
      await assert.rejects(
        importing.run(path),
        refused(/data\/a\.csv and data\/b\.jsonl are two: leave one of them out/),
      );
    });
  });

  it('a metadata.csv in every split folder counts for its files, unless two say different things of one', async () => {
    const image = async (n: number) => ({
      [`train/${n}.png`]: await numbered(n),
      [`test/${n}.png`]: await numbered(n + 1),
    });
    const list = 'file_name,label\n10.png,owl\n20.png,elk\n';
    const tree = { ...(await image(10)), ...(await image(20)), 'train/metadata.csv': list, 'test/metadata.csv': list };
    const { classNames, trainPerClass, skipped } = await importing.runTree(tree);
    assert.deepEqual([classNames, trainPerClass, skipped], [['elk', 'owl'], [1, 1], []]);
    const other = 'file_name,label\ntrain/10.png,elk\n';
    const run = importing.runTree({ ...tree, 'metadata.csv': other });
    await assert.rejects(run, refused(/metadata\.csv: .*10\.png has two classes, (owl and elk|elk and owl)/));
  });
});

describe('the row of a list that is wrong', () => {
  it('is counted with the header in CSV, and from the first object in JSON lines', async () => {
    const run = async (name: string, list: string) =>
      importing.runTree({ [name]: list, 'a.png': await numbered(1) }, { layout: 'MANIFEST' });
    await assert.rejects(
      run('metadata.csv', 'file_name,label\na.png,\n'),
      refused(/^metadata\.csv: row 2 names no class/),
    );
    await assert.rejects(run('list.jsonl', '{"file_name":"a.png"}\n'), refused(/^list\.jsonl: row 1 names no class/));
    const second = '{"file_name":"a.png","label":"x"}\n{"label":"x"}\n';
    await assert.rejects(run('list.jsonl', second), refused(/^list\.jsonl: row 2 names no file/));
  });
});
