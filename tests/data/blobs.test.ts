import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { copyToBlob } from '../../src/formats/importers/entries/blob.js';

describe('a copy of what can only be streamed', () => {
  let scratch: string;
  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'teddyhub-blobs-'));
  });
  after(() => rm(scratch, { recursive: true, force: true }));

  it('is read in pieces, and has no name that a crash would leave behind', async () => {
    const blob = await copyToBlob(Readable.from([Buffer.from('0123'), Buffer.from('456789')]), 'member', scratch);
    assert.deepEqual(await readdir(scratch), []);
    assert.equal(blob.bytes, 10);
    assert.equal((await blob.read(3, 4)).toString(), '3456');
    assert.equal((await blob.read(8, 4)).toString(), '89');
    await blob.close();
  });

  it('ends with the error of its stream, though that fails before it is read', async () => {
    const stream = new Readable({ read: () => undefined });
    const copying = copyToBlob(stream, 'member', scratch);
    stream.destroy(new Error('the member is damaged'));
    await assert.rejects(copying, /^Error: the member is damaged$/);
    assert.deepEqual(await readdir(scratch), []);
  });
});
