import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { type Blob, objectBlob } from '../../src/formats/importers/entries/blob.js';
import { openZip } from '../../src/formats/importers/entries/zip.js';
import { writeZip } from '../support/datasets.js';
import type { FileTree } from '../support/images.js';
import { type Importing, openImporting } from '../support/importing.js';

let importing: Importing;
before(async () => {
  importing = await openImporting();
});
after(() => importing.close());

/** An archive in the store, and how often something was read of it. */
async function storedZip(tree: FileTree): Promise<{ blob: Blob; reads: number[] }> {
  const bytes = await readFile(await writeZip(importing.place('.zip'), tree));
  await importing.store.put('imports/a.zip', bytes);
  const blob = objectBlob(importing.store, 'imports/a.zip', bytes.length);
  const reads: number[] = [];
  const read: Blob['read'] = (start, length) => {
    reads.push(length);
    return blob.read(start, length);
  };
  return { blob: { ...blob, read }, reads };
}

describe('the directory of a zip in the object store', () => {
  it('is read in a few large pieces, also while members are read, and names all of them', async () => {
    // Long names: a directory of more than two pieces.
    const names = Array.from({ length: 2500 }, (_, n) => `${n}-${'x'.repeat(1000)}`);
    const { blob, reads } = await storedZip(Object.fromEntries(names.map((name, n) => [name, `bytes of ${n}`])));
    const source = await openZip(blob);
    const found: string[] = [];
    for await (const entry of source.entries()) found.push(entry.path);
    assert.deepEqual(found, names);
    assert.ok(reads.length <= 5, `${reads.length} reads`);

    reads.length = 0;
    let n = 0;
    const reading: Promise<void>[] = [];
    for await (const entry of source.entries()) {
      assert.ok(entry.kind === 'FILE');
      const expected = `bytes of ${n++}`;
      if (n % 10 === 0) {
        reading.push(entry.read(100).then((bytes) => assert.equal(bytes.toString(), expected)));
      }
    }
    await Promise.all(reading);
    // Of a member its header and its data.
    assert.ok(reads.length <= 5 + 2 * reading.length, `${reads.length} reads of ${reading.length} members`);
  });
});
