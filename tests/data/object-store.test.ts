import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { UNFINISHED_UPLOAD } from '../../src/platform/object-store/atomic-file.js';
import type { Upload } from '../../src/platform/object-store/object-store.js';
import { openObjectStore } from '../../src/platform/object-store/open-object-store.js';
import { failureWith } from '../support/failure.js';
import { keepsTheContract } from '../support/store-contract.js';

describe('the folder object store', () => {
  let folder: string;
  const scratch = async () => {
    folder ??= await mkdtemp(join(tmpdir(), 'teddyhub-store-'));
    return folder;
  };
  after(async () => rm(await scratch(), { recursive: true, force: true }));

  keepsTheContract(async () => openObjectStore({ kind: 'folder', path: join(await scratch(), 'objects') }));

  it('lists an upload that a power cut left without its key', async () => {
    const path = join(await scratch(), 'cut-short');
    const store = await openObjectStore({ kind: 'folder', path });
    const id = await store.uploads.begin('uploads/whole');
    const cut = join(path, `${UNFINISHED_UPLOAD}${randomUUID()}`);
    await mkdir(cut);
    await writeFile(join(cut, 'key'), '');
    const found: Upload[] = [];
    for await (const upload of store.uploads.list()) found.push(upload);
    assert.equal(found.length, 2);
    assert.ok(found.some((upload) => upload.id === id && upload.key === 'uploads/whole'));
    for (const upload of found) await store.uploads.abort(upload);
    assert.deepEqual(await readdir(path), []);
  });

  it('lists what is left where a folder goes meanwhile', async () => {
    const path = join(await scratch(), 'going');
    const store = await openObjectStore({ kind: 'folder', path });
    for (const key of ['a/1', 'b/2', 'c/3']) await store.put(key, Buffer.from(key));
    const found: string[] = [];
    for await (const { key } of store.list('')) {
      found.push(key);
      if (found.length === 1) await rm(join(path, key === 'b/2' ? 'c' : 'b'), { recursive: true });
    }
    assert.equal(found.length, 2);
    assert.ok(found.includes('a/1'));
  });

  it('has no URLs of its own', async () => {
    const store = await openObjectStore({ kind: 'folder', path: join(await scratch(), 'objects') });
    assert.equal(await store.presign('a/b.bin', 60), null);
  });

  it('does not open where a file is in the way', async () => {
    const path = join(await scratch(), 'a-file');
    await writeFile(path, '');
    await assert.rejects(openObjectStore({ kind: 'folder', path }), failureWith('BAD_CONFIGURATION', /a-file/));
  });

  it('ends in STORAGE_FULL on a full disk, and leaves neither the object nor a part of it', async (context) => {
    const path = join(await scratch(), 'small-disk');
    await mkdir(path);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', path]).status === 0;
    if (!mounted) return context.skip('mounting a small disk is not allowed here');
    try {
      const store = await openObjectStore({ kind: 'folder', path });
      await store.put('shards/small', Buffer.alloc(1_000, 1));
      const large = store.put('shards/large', Buffer.alloc(2 ** 20, 2));
      await assert.rejects(large, failureWith('STORAGE_FULL', /small-disk: free some space/));
      assert.deepEqual(await readdir(join(path, 'shards')), ['small']);
      await store.put('shards/after', Buffer.alloc(1_000, 3));
    } finally {
      spawnSync('umount', [path]);
    }
  });

  it('ends in STORAGE_FULL at a quota too', async () => {
    const path = join(await scratch(), 'quota');
    const module = new URL('../../src/platform/object-store/folder-object-store.js', import.meta.url).href;
    const script = `
      const { openFolderObjectStore } = await import(${JSON.stringify(module)});
      const store = await openFolderObjectStore(${JSON.stringify(path)});
      const error = await store.put('shards/large', Buffer.alloc(2 ** 20, 2)).catch((error) => error);
      process.stdout.write(error.code + ': ' + error.message);`;
    // Files of more than 64 KiB end in EFBIG for this child.
    const command = 'ulimit -f 64; exec "$0" --input-type=module -e "$1"';
    const child = spawnSync('bash', ['-c', command, process.execPath, script], { encoding: 'utf8' });
    assert.match(child.stdout, /^STORAGE_FULL: No room left in .*quota: free some space, then retry\.$/, child.stderr);
    assert.deepEqual(await readdir(join(path, 'shards')), []);
  });
});
