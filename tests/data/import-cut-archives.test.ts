import assert from 'node:assert/strict';
import { readFile, truncate } from 'node:fs/promises';
import { basename } from 'node:path';
import { after, before, describe, it } from 'node:test';
import sharp from 'sharp';
import { asList, asParquet } from '../support/datasets.js';
import { type FileTree, numbered, writeTar } from '../support/images.js';
import { type Importing, openImporting } from '../support/importing.js';

let importing: Importing;
before(async () => {
  importing = await openImporting();
});
after(() => importing.close());

/** A PNG file as large as its pixels: so much of an archive that what breaks off breaks off inside it. */
function noise(seed: number, side = 200): Promise<Buffer> {
  let state = seed * 2654435761 + 1;
  const pixels = Buffer.alloc(side * side * 3).map(() => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
  return sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer();
}

async function shard(side: number): Promise<FileTree> {
  const tree: FileTree = {};
  for (const n of [0, 1, 2, 3]) {
    tree[`${n}.cls`] = `${n % 2}`;
    tree[`${n}.png`] = await noise(n, side);
  }
  return tree;
}

async function folders(): Promise<FileTree> {
  const tree: FileTree = {};
  for (const [n, name] of ['cat', 'dog', 'cat', 'dog'].entries()) tree[`train/${name}/${n}.png`] = await noise(n);
  return tree;
}

async function tinyImageNet(): Promise<FileTree> {
  const wnids = Array.from({ length: 200 }, (_, n) => `n${n}\n`).join('');
  return { 'tiny/train/n0/images/n0_0.JPEG': await numbered(0), 'tiny/wnids.txt': wnids };
}

/** Images, and the list of them as the last file. */
async function listed(kind: 'csv' | 'jsonl', rows: number): Promise<FileTree> {
  const { [`data/metadata.${kind}`]: list = '', ...images } = await asList(kind);
  const more = Array.from({ length: rows }, (_, n) =>
    kind === 'csv' ? `\r\npictures/more-${n}.png,cat,train` : `\n{"file_name":"pictures/more-${n}.png","label":"cat"}`,
  );
  return { ...images, [`data/metadata.${kind}`]: list + more.join('') };
}

const sources: Record<string, [layout: string, make: () => Promise<FileTree>]> = {
  'a WebDataset shard, inside a large image': ['WEBDATASET', () => shard(200)],
  'a WebDataset shard, inside a small image': ['WEBDATASET', () => shard(20)],
  'an archive of WebDataset shards, inside an image of a shard': [
    'WEBDATASET',
    async () => ({ 'train-0.tar': await readFile(await writeTar(importing.place('.tar'), await shard(200))) }),
  ],
  'class folders, inside an image': ['CLASS_FOLDERS', folders],
  'Tiny-ImageNet, inside its list of classes': ['TINY_IMAGENET', tinyImageNet],
  'Parquet files, inside one of them': [
    'HUGGING_FACE',
    async () => ({ 'test-0.parquet': await asParquet('test'), 'train-0.parquet': await asParquet('train') }),
  ],
  'files with a metadata.csv, inside it': ['MANIFEST', () => listed('csv', 100)],
  'files with a large metadata.csv, inside it': ['MANIFEST', () => listed('csv', 20_000)],
  'files with a metadata.jsonl, inside it': ['MANIFEST', () => listed('jsonl', 100)],
  'files with a large metadata.jsonl, inside it': ['MANIFEST', () => listed('jsonl', 20_000)],
};

/** Cuts the archive in the middle of its last file. */
async function cut(path: string, tree: FileTree): Promise<void> {
  const archive = await readFile(path);
  if (path.endsWith('.gz')) return truncate(path, archive.length - 60);
  const last = Buffer.from(Object.values(tree).at(-1) ?? '');
  await truncate(path, archive.indexOf(last) + Math.floor(last.length / 2));
}

describe('an archive that breaks off', () => {
  for (const [what, [layout, make]] of Object.entries(sources)) {
    for (const kind of ['tar', 'tar.gz']) {
      it(`as a ${kind} of ${what} ends the import in one line that says to fetch it again`, async () => {
        const tree = await make();
        const path = await writeTar(importing.place(`cut.${kind}`), tree);
        await cut(path, tree);
        await assert.rejects(importing.run(path, { layout }), (error: Error & { code?: string }) => {
          assert.equal(error.code, 'BAD_INPUT_FILE', error.stack);
          assert.ok(error.message.includes(basename(path)), error.message);
          assert.match(error.message, /fetch the file again\.$/);
          assert.doesNotMatch(error.message, /\n/);
          return true;
        });
      });
    }
  }
});

describe('a tar that breaks off between two members', () => {
  for (const [what, [layout, make]] of Object.entries(sources)) {
    it(`of ${what.split(',')[0]} ends the import as well`, async () => {
      // The only one of some sources would leave nothing.
      const tree = { '.first': 'hidden', ...(await make()) };
      const path = await writeTar(importing.place('cut.tar'), tree);
      const last = Buffer.from(`${Object.keys(tree).at(-1)}\0`);
      await truncate(path, (await readFile(path)).lastIndexOf(last));
      await assert.rejects(importing.run(path, { layout }), {
        code: 'BAD_INPUT_FILE',
        message: /the zeros at its end are missing/,
      });
    });
  }
});

describe('an archive whose reading ends early', () => {
  const list = async () => (await listed('jsonl', 20_000))['data/metadata.jsonl'] ?? '';
  for (const kind of ['tar', 'tar.gz']) {
    it(`as a ${kind} with a list that is wrong ends in what is wrong with it`, async () => {
      const path = await writeTar(importing.place(`.${kind}`), { 'a.jsonl': `no JSON\n${await list()}` });
      const message = 'a.jsonl: line 1 is no JSON object.';
      await assert.rejects(importing.run(path), { code: 'BAD_INPUT_FILE', message });
    });

    it(`as a ${kind} with a list that is wrong goes on to the one that counts`, async () => {
      const tree = { 'a.jsonl': `{}\n${await list()}`, ...(await asList('csv')) };
      const result = await importing.run(await writeTar(importing.place(`.${kind}`), tree));
      assert.deepEqual(result.trainPerClass, [2, 2]);
    });

    it(`as a ${kind} of shards with images of two sizes ends in that`, async () => {
      const [small, large] = [await shard(20), await shard(200)];
      const bytesOf = async (tree: FileTree) => readFile(await writeTar(importing.place('.tar'), tree));
      const tree = { 'train-0.tar': await bytesOf(small), 'train-1.tar': await bytesOf(large) };
      const path = await writeTar(importing.place(`.${kind}`), { ...tree, 'train-2.tar': tree['train-1.tar'] });
      await assert.rejects(importing.run(path), { code: 'BAD_INPUT_FILE', message: /images of mixed sizes/ });
    });
  }
});
