import assert from 'node:assert/strict';
import { mkdir, open, readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { asClassFolders, asParquet, asShard, writeZip } from '../support/datasets.js';
import { failureWith } from '../support/failure.js';
import { classFolderTree, type FileTree, numbered, plain, writeTar, writeTree } from '../support/images.js';
import { type Importing, openImporting } from '../support/importing.js';
import { until } from '../support/until.js';

let importing: Importing;
before(async () => {
  importing = await openImporting();
});
after(() => importing.close());

/** What Node calls a request to the file system. */
const READING = /^(FSReq|FileHandleClose)/i;

const good = () => classFolderTree(['cat', 'dog'], { train: 10 });

describe('files that cannot be used', () => {
  let jpeg: Buffer;
  before(async () => {
    const noise = Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 251));
    jpeg = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
      .jpeg()
      .toBuffer();
  });
  const bad: Record<string, [() => Promise<Buffer> | Buffer, RegExp]> = {
    'an empty file': [() => Buffer.alloc(0), /empty/],
    'a text': [() => Buffer.from('not an image'), /no JPEG, PNG or WebP/],
    'an SVG': [() => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="6"/>'), /no JPEG, PNG/],
    'a GIF': [() => plain([1, 2, 3]).gif().toBuffer(), /no JPEG, PNG or WebP/],
    'a truncated JPEG': [() => jpeg.subarray(0, jpeg.length / 2), /damaged/],
    'a scrambled PNG': [async () => (await numbered(77)).fill(0, 45, 60), /damaged/],
    'a decompression bomb': [
      () =>
        sharp({ create: { width: 9000, height: 9000, channels: 3, background: '#000' } })
          .png()
          .toBuffer(),
      /more pixels than a file of its size/,
    ],
  };
  for (const [what, [make, reason]] of Object.entries(bad)) {
    it(`${what} is listed with its reason, and the others are imported`, async () => {
      const { contentDigest } = await importing.runTree(await good());
      const tree = { ...(await good()), 'train/cat/zzz.jpg': await make() };
      const result = await importing.runTree(tree, { maxSkipped: 0.1 });
      assert.deepEqual(
        result.skipped.map(({ split, record }) => [split, record]),
        [['TRAIN', 'train/cat/zzz.jpg']],
      );
      assert.match(result.skipped[0]?.reason ?? '', reason);
      assert.equal(result.contentDigest, contentDigest);
    });
  }

  it('end the import where they are more than may be skipped, and nothing is stored', async () => {
    const tree = { ...(await good()), 'train/cat/a.png': '', 'train/cat/b.png': '', 'train/dog/c.png': 'text' };
    const before = await objects();
    await assert.rejects(importing.runTree(tree, { maxSkipped: 0.1, image: { size: { height: 4, width: 4 } } }), {
      code: 'BAD_INPUT_FILE',
      message: /3 of 25 records .*10 %; 2: the file is empty \(train\/cat\/[ab]\.png\); 1: it is no JPEG/,
    });
    assert.deepEqual(await objects(), before);
    const { skipped } = await importing.runTree(tree, { maxSkipped: 0.12 });
    assert.deepEqual(
      skipped.map(({ record }) => record),
      ['train/cat/a.png', 'train/cat/b.png', 'train/dog/c.png'],
    );
  });

  const objects = async () => {
    const keys: string[] = [];
    for await (const { key } of importing.store.list('')) keys.push(key);
    return keys.sort();
  };

  it('leave no image in work where they end the import', async () => {
    const large = await plain([1, 2, 3], 1500, 1500).png().toBuffer();
    const tree: FileTree = { 'list.csv': 'file_name\n0.png\n' };
    for (let n = 0; n < 8; n++) tree[`${n}.png`] = large;
    await assert.rejects(importing.runTree(tree), { code: 'BAD_INPUT_FILE', message: /names no class/ });
    // An image that came late closed a file which was somebody else's by then.
    const files = await Promise.all(Array.from({ length: 8 }, () => open(importing.place(), 'w')));
    await until('no file is read and no image decoded any more', () => {
      const { queue, process: decoding } = sharp.counters();
      return queue + decoding === 0 && !process.getActiveResourcesInfo().some((kind) => READING.test(kind));
    });
    for (const file of files) {
      await file.write('x');
      await file.close();
    }
  });

  it('leave nothing in the scratch folder', async () => {
    await importing.runTree(await good());
    assert.deepEqual(await readdir(importing.context.scratch), []);
  });
});

describe('images that are there twice', () => {
  it('are told of, across names, splits and classes, and kept', async () => {
    const tree = await good();
    tree['train/cat/again.png'] = tree['train/cat/0.png'] ?? '';
    tree['test/dog/leak.png'] = tree['train/cat/0.png'] ?? '';
    const { duplicates, duplicateCount, trainPerClass } = await importing.runTree(tree);
    assert.deepEqual(trainPerClass, [11, 10]);
    assert.equal(duplicateCount, 2);
    assert.deepEqual(duplicates, [
      {
        split: 'TRAIN',
        record: 'train/cat/0.png',
        sameAs: 'test/dog/leak.png',
        acrossSplits: true,
        acrossClasses: true,
      },
      {
        split: 'TRAIN',
        record: 'train/cat/again.png',
        sameAs: 'test/dog/leak.png',
        acrossSplits: true,
        acrossClasses: true,
      },
    ]);
  });
});

describe('archives and folders that are not to be trusted', () => {
  const evil: FileTree = { '../../evil.png': 'x', '/etc/evil.png': 'x', 'train/cat/../../../evil.png': 'x' };
  const reasons = {
    '../../evil.png': /leads out/,
    '/etc/evil.png': /absolute/,
    'train/cat/../../../evil.png': /leads out/,
  };
  const check = (skipped: readonly { record: string; reason: string }[]) => {
    for (const [path, reason] of Object.entries(reasons)) {
      const found = skipped.find(({ record }) => record === path);
      assert.match(found?.reason ?? 'not listed', reason, path);
    }
  };

  it('paths of a tar that lead out of it, absolute ones and links are listed and not followed', async () => {
    const links = [
      { name: 'train/cat/link.png', type: 'symlink', linkname: '/etc/passwd' },
      { name: 'train/cat/hard.png', type: 'link', linkname: 'train/cat/0.png' },
    ] as const;
    const path = await writeTar(importing.place('.tar.gz'), { ...evil, ...(await good()) }, links);
    const { skipped } = await importing.run(path, { maxSkipped: 0.5 });
    check(skipped);
    assert.equal(skipped.filter(({ reason }) => reason === 'a link, not a file').length, 2);
  });

  it('paths of a zip that lead out of it are listed', async () => {
    const path = await writeZip(importing.place('.zip'), {
      'xx/xx/evil.png': 'x',
      '1etc/evil.png': 'x',
      ...(await good()),
    });
    const bytes = await readFile(path);
    const patch = (from: string, to: string) => {
      for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + 1)) bytes.write(to, at, 'latin1');
    };
    patch('xx/xx/evil.png', '../../evil.png');
    patch('1etc/evil.png', '/etc/evil.png');
    await writeFile(path, bytes);
    const { skipped } = await importing.run(path, { maxSkipped: 0.5 });
    assert.deepEqual(skipped.map(({ record }) => record).sort(), ['../../evil.png', '/etc/evil.png']);
  });

  it('a zip member that is not what its checksum says is listed, and a list that is not ends the import', async () => {
    const tree = { ...(await good()), 'train/cat/zzz.png': await numbered(99) };
    const stored = { compress: false };
    const path = await writeZip(importing.place('.zip'), tree, stored);
    const bytes = await readFile(path);
    const at = bytes.indexOf('train/cat/zzz.png') + 60;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await writeFile(path, bytes);
    const { skipped } = await importing.run(path, { maxSkipped: 0.5 });
    assert.deepEqual(
      skipped.map(({ record, reason }) => [record, reason]),
      [['train/cat/zzz.png', 'it is damaged: its checksum is another']],
    );
    const listed = await writeZip(importing.place('.zip'), { 'metadata.csv': 'file_name,label\na.png,cat\n' }, stored);
    const list = await readFile(listed);
    list.write('cow', list.indexOf('cat'));
    await writeFile(listed, list);
    const message = /^metadata\.csv: .*its checksum is another/;
    await assert.rejects(importing.run(listed, { layout: 'MANIFEST' }), { code: 'BAD_INPUT_FILE', message });
  });

  for (const [layout, make] of [
    [
      'WEBDATASET',
      async () => ({ 'train-0.tar': await readFile(await writeTar(importing.place('.tar'), await asShard('train'))) }),
    ],
    [
      'HUGGING_FACE',
      async () => ({ 'train-0.parquet': await asParquet('train'), 'test-0.parquet': await asParquet('test') }),
    ],
  ] as const) {
    it(`a zip of ${layout} whose first file is not what its checksum says ends the import in one line`, async () => {
      const tree: FileTree = await make();
      const path = await writeZip(importing.place('.zip'), tree, { compress: false });
      const bytes = await readFile(path);
      const [name = '', content = ''] = Object.entries(tree)[0] ?? [];
      const at = bytes.indexOf(name) + name.length + Math.floor(Buffer.from(content).length / 2);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      await writeFile(path, bytes);
      await assert.rejects(importing.run(path, { layout }), {
        code: 'BAD_INPUT_FILE',
        message: /its checksum is another/,
      });
    });
  }

  it('a zip member that grows like a bomb is not unpacked', async () => {
    const path = await writeZip(importing.place('.zip'), {
      ...(await good()),
      'train/cat/b.png': Buffer.alloc(20_000_000),
    });
    const { skipped } = await importing.run(path, { maxSkipped: 0.5 });
    assert.match(skipped[0]?.reason ?? '', /bomb/);
  });

  it('links in a folder are not followed', async () => {
    const folder = await writeTree(importing.place(), await good());
    await symlink('/etc/passwd', join(folder, 'train/cat/link.png'));
    await symlink('/etc', join(folder, 'train/dog/more'));
    const { skipped } = await importing.run(folder, { maxSkipped: 0.5 });
    assert.deepEqual(
      skipped.map(({ record, reason }) => [record, reason]),
      [
        ['train/cat/link.png', 'a link, not a file'],
        ['train/dog/more', 'a link to a folder, which is not followed'],
      ],
    );
  });

  it('a split that is a link ends the import in one line that names it, and none is held out in its place', async () => {
    const tree = await classFolderTree(['cat', 'dog'], { test: 0 });
    const folder = await writeTree(importing.place(), tree);
    await symlink(await writeTree(importing.place(), await asClassFolders()), join(folder, 'val'));
    const archive = await writeTar(importing.place('.tar'), tree, [
      { name: 'val', type: 'symlink', linkname: '/data' },
    ]);
    for (const path of [folder, archive]) {
      for (const options of [{}, { holdOut: 0.5 }]) {
        await assert.rejects(
          importing.run(path, { ...options, maxSkipped: 0.5 }),
          failureWith('BAD_INPUT_FILE', 'it has no test split: val is a link, and links are not followed'),
        );
      }
    }
  });

  it('what was left out is told of where a split or a class lacks', async () => {
    const splitless = await writeTree(importing.place(), await classFolderTree(['cat', 'dog'], { test: 0 }));
    await symlink('/etc', join(splitless, 'dev'));
    const left = 'left out were 1: a link to a folder, which is not followed';
    await assert.rejects(
      importing.run(splitless, { maxSkipped: 0.5 }),
      failureWith('BAD_INPUT_FILE', `becomes one; ${left} (dev).`),
    );
    const tree = await classFolderTree(['cat', 'dog']);
    const classless = Object.fromEntries(Object.entries(tree).filter(([path]) => !path.startsWith('train/dog')));
    const folder = await writeTree(importing.place(), classless);
    await symlink('/etc', join(folder, 'train/dog'));
    await assert.rejects(
      importing.run(folder, { maxSkipped: 0.5 }),
      failureWith('BAD_INPUT_FILE', `1 of 2 classes have no training image: dog; ${left} (train/dog).`),
    );
  });

  for (const [kind, name] of [
    ['tar', 'broken.tar'],
    ['tar.gz', 'broken.tar.gz'],
    ['zip', 'broken.zip'],
  ] as const) {
    it(`a ${kind} that breaks off ends the import in one line that names it`, async () => {
      const path = importing.place(name);
      if (kind === 'zip') await writeZip(path, await good());
      else await writeTar(path, await good());
      await truncate(path, Math.floor((await readFile(path)).length * 0.6));
      await assert.rejects(importing.run(path), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'BAD_INPUT_FILE');
        assert.match(error.message, /broken\.(tar|zip)/);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      });
    });
  }

  it('names that are no UTF-8 are listed, and end the import where they are of a folder', async () => {
    const tree = {
      ...(await good()),
      'train/caf\xe9/0.png': await numbered(91),
      'train/caf\xe8/0.png': await numbered(92),
    };
    const path = await writeTar(importing.place('.tar'), tree);
    const bytes = await readFile(path);
    // The two bytes that the archive has of each of these letters: one of Latin-1, and one more.
    for (const [letter, byte] of [
      ['\xe9', 0xe9],
      ['\xe8', 0xe8],
    ] as const) {
      const at = bytes.indexOf(`caf${letter}`);
      bytes.set([byte, 0x78], at + 3);
      const header = bytes.subarray(at - 'train/'.length, at - 'train/'.length + 512);
      header.fill(0x20, 148, 156);
      header.write(
        `${header
          .reduce((sum, one) => sum + one, 0)
          .toString(8)
          .padStart(6, '0')}\0 `,
        148,
        'latin1',
      );
    }
    await writeFile(path, bytes);
    const { skipped, classNames } = await importing.run(path, { maxSkipped: 0.5 });
    assert.deepEqual(classNames, ['cat', 'dog']);
    assert.deepEqual(
      skipped.map(({ reason }) => reason),
      ['its name is no UTF-8', 'its name is no UTF-8'],
    );
    const folder = await writeTree(importing.place(), await good());
    await mkdir(Buffer.concat([Buffer.from(`${folder}/train/caf`), Buffer.from([0xe9])]));
    await assert.rejects(importing.run(folder), { code: 'BAD_INPUT_FILE', message: /no UTF-8; rename the folder/ });
  });

  it('names of a zip that are UTF-8 are read so, whether or not it says it', async () => {
    const path = await writeZip(importing.place('.zip'), await classFolderTree(['caf\xe9', 'tea']));
    const bytes = await readFile(path);
    for (const [signature, flags] of [
      ['PK\x03\x04', 6],
      ['PK\x01\x02', 8],
    ] as const) {
      for (let at = bytes.indexOf(signature); at >= 0; at = bytes.indexOf(signature, at + 1)) {
        bytes.writeUInt16LE(bytes.readUInt16LE(at + flags) & ~0x800, at + flags);
      }
    }
    await writeFile(path, bytes);
    assert.deepEqual((await importing.run(path)).classNames, ['caf\xe9', 'tea']);
  });

  it('a class that no database can hold ends the import in one line that names it', async () => {
    const tree: FileTree = {};
    for (let n = 0; n < 4; n++) {
      tree[`${n}.png`] = await numbered(n);
      tree[`${n}.cls`] = n % 2 === 0 ? 'cat\0' : 'dog';
    }
    const run = importing.run(await writeTar(importing.place('-train.tar'), tree), {
      layout: 'WEBDATASET',
      holdOut: 0.5,
    });
    await assert.rejects(run, { code: 'BAD_INPUT_FILE', message: /"cat\\u0000", which holds a zero byte/ });
  });

  it('names in any Unicode come through, and what operating systems leave behind does not', async () => {
    const tree = await classFolderTree(['犬', 'чорний кіт', '🦊']);
    const odd = { ...tree, 'train/犬/.DS_Store': 'x', '__MACOSX/train/犬/._0.png': 'x', 'train/🦊/Thumbs.db': 'x' };
    for (const path of [
      await writeTree(importing.place(), odd),
      await writeTar(importing.place('.tar'), odd),
      await writeZip(importing.place('.zip'), odd),
    ]) {
      const { classNames, skipped } = await importing.run(path);
      assert.deepEqual([classNames, skipped], [['чорний кіт', '犬', '🦊'], []]);
    }
  });
});

describe('an archive of a kind that is not read', () => {
  for (const [kind, name, start] of [
    ['xz', 'a.tar.xz', 'fd377a585a00'],
    ['bzip2', 'a.tar.bz2', '425a68393141'],
    ['zstd', 'a.tar', '28b52ffd0458'],
    ['7z', 'a.7z', '377abcaf271c'],
    ['rar', 'a.rar', '526172211a0701'],
  ] as const) {
    it(`is refused as packed with ${kind}, whatever its name`, async () => {
      const path = importing.place(name);
      await writeFile(path, Buffer.concat([Buffer.from(start, 'hex'), Buffer.alloc(600, 1)]));
      const words = `${name}: it is packed with ${kind}, which is not read: give a .tar, .tar.gz or .zip.`;
      await assert.rejects(importing.run(path), failureWith('BAD_INPUT_FILE', words));
    });
  }
});

describe('a gzip file that is no archive', () => {
  it('is refused by name', async () => {
    const path = importing.place('.tar.gz');
    await writeFile(path, gzipSync('hello world'));
    await assert.rejects(importing.run(path), { code: 'BAD_INPUT_FILE', message: /tar\.gz: it is no whole tar/ });
  });
});
