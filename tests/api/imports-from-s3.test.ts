import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { ObjectStore } from '../../src/platform/object-store/object-store.js';
import { openObjectStore } from '../../src/platform/object-store/open-object-store.js';
import { CLI } from '../support/command.js';
import { asClassFolders } from '../support/datasets.js';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import { writeTar } from '../support/images.js';
import { environmentOf, type S3Server } from '../support/s3-server.js';
import { startSeaweedfs } from '../support/seaweedfs.js';
import { until } from '../support/until.js';
import { openApi, type TestApi } from './server.js';

const PARTS = 'id partBytes parts { number url tag }';

interface Upload {
  id: string;
  partBytes: string;
  parts: { number: number; url: string; tag: string | null }[];
}

describe('importing from an S3 server', () => {
  let server: S3Server;
  /** Between the clients and the server: what is presigned leads here. */
  let outside: FaultProxy;
  let api: TestApi;
  let store: ObjectStore;
  /** An archive of two parts: most of it is a hidden file, which nobody reads. */
  let archive: string;
  let bytes: Buffer;

  before(async () => {
    server = await startSeaweedfs();
    outside = await startFaultProxy(server.endpoint);
    const config = { ...server.config('imports'), publicEndpoint: outside.endpoint };
    api = await openApi(environmentOf(config));
    store = await openObjectStore(config);
    await api.world.startWorker(environmentOf(config));
    archive = join(api.world.stateDir, 'pets.tar');
    await writeTar(archive, { '.padding': randomBytes(17 * 2 ** 20), ...(await asClassFolders()) });
    bytes = await readFile(archive);
  });
  after(async () => {
    await api?.close();
    await outside?.close();
    await server?.close();
  });

  const newKey = () => ({ idempotencyKey: randomUUID() });
  const uploading = async (mutation: string, input: Record<string, unknown>) => {
    const name = `datasetUpload${mutation}`;
    const payload = await api.mutate(name, `DatasetUpload${mutation}Input`, `upload { ${PARTS} }`, input);
    return payload as { upload: Upload; userErrors: { code: string }[] };
  };
  const send = async ({ parts, partBytes }: Upload, number: number): Promise<string> => {
    const start = (number - 1) * Number(partBytes);
    const body = new Uint8Array(bytes.subarray(start, start + Number(partBytes)));
    const answer = await fetch(parts[number - 1]?.url ?? '', { method: 'PUT', body });
    assert.equal(answer.status, 200, await answer.text());
    return (answer.headers.get('etag') ?? '').replaceAll('"', '');
  };
  const imported = async (kind: string, files: Record<string, unknown>) => {
    const input = { ...newKey(), name: 'pets', source: { kind, files } };
    const payload = await api.mutate('datasetImport', 'DatasetImportInput', 'dataset { id }', input);
    const { id } = (payload as { dataset: { id: string } }).dataset;
    return until('the import ends', async () => {
      const fields = 'state trainCount contentDigest failure { message }';
      const { data } = await api.send(`query($id: ID!) { dataset(id: $id) { ${fields} } }`, { id });
      const { dataset } = data as { dataset: { state: string; trainCount: number; contentDigest: string } };
      return dataset.state !== 'IMPORTING' && dataset;
    });
  };

  it('takes the parts of a file from outsiders, without a key of the service', async () => {
    const { upload } = await uploading('Begin', { fileName: 'pets.tar', bytes: String(bytes.byteLength) });
    assert.deepEqual([upload.parts.length, upload.parts.map(({ tag }) => tag)], [2, [null, null]]);
    assert.ok(upload.parts.every(({ url }) => url.startsWith(outside.endpoint)));
    const last = await send(upload, 2);
    const broken = (await uploading('Resume', { uploadId: upload.id })).upload;
    assert.deepEqual(
      broken.parts.map(({ tag }) => tag),
      [null, last],
    );
    const first = await send(broken, 1);
    const parts = [first, last].map((tag, i) => ({ number: i + 1, tag }));
    assert.deepEqual((await uploading('Complete', { uploadId: upload.id, parts })).userErrors, []);
    const again = await uploading('Resume', { uploadId: upload.id });
    assert.deepEqual([again.userErrors, again.upload.parts], [[], []], 'nothing is left to send');
    assert.deepEqual((await uploading('Complete', { uploadId: upload.id, parts: [] })).userErrors, []);
    const { state, trainCount } = await imported('UPLOAD', { uploadId: upload.id });
    assert.deepEqual([state, trainCount], ['READY', 4]);
  });

  it('makes the same dataset of the objects below a prefix', async () => {
    for (const [path, content] of Object.entries(await asClassFolders()))
      await store.put(`imports/my pets/${path}`, Buffer.from(content));
    await store.put('imports/my pets and others/train/cat/x.png', Buffer.from('of somebody else'));
    const { state, contentDigest } = await imported('PREFIX', { prefix: 'my pets' });
    assert.equal(state, 'READY');
    assert.equal(contentDigest, (await imported('FILES', { path: archive })).contentDigest);
  });

  const importArchive = () =>
    promisify(execFile)(
      process.execPath,
      [CLI, 'datasets', 'import', archive, '--upload', '--json', '--url', api.url, '--key', api.keys.OPERATOR],
      { env: { ...process.env, TEDDYHUB_CACHE: join(api.world.stateDir, 'cache') } },
    );

  it('goes on with an upload that broke off, sending only what is missing', async () => {
    const cli = importArchive;
    const earlier = outside.requests.length;
    const sent = (number: number) =>
      outside.requests
        .slice(earlier)
        .filter((line) => line.startsWith('PUT ') && line.includes(`partNumber=${number}`));
    const refused = { kind: 'STATUS', status: 403, code: 'AccessDenied' } as const;
    outside.inject(refused, { matching: /^PUT .*partNumber=2/, times: 2 });
    await assert.rejects(cli(), /A part was refused \(403\): .*run the command again/);
    const { stdout } = await cli();
    assert.equal((JSON.parse(stdout) as { trainCount: number }).trainCount, 4);
    assert.deepEqual([sent(1).length, sent(2).length], [1, 3]);
  });

  it('does not send again what is complete, as where the last answer was lost', async () => {
    outside.inject(
      { kind: 'STATUS', status: 403, code: 'AccessDenied' },
      { matching: /^PUT .*partNumber=2/, times: 2 },
    );
    await assert.rejects(importArchive(), /A part was refused/);
    const notes = join(api.world.stateDir, 'cache', 'uploads');
    const [note = ''] = await readdir(notes);
    const uploadId = (await readFile(join(notes, note), 'utf8')).trim();
    const { upload } = await uploading('Resume', { uploadId });
    const parts = [upload.parts[0], { number: 2, tag: await send(upload, 2) }];
    const named = parts.map((part) => ({ number: part?.number, tag: part?.tag }));
    assert.deepEqual((await uploading('Complete', { uploadId, parts: named })).userErrors, []);
    const earlier = outside.requests.length;
    const { stdout } = await importArchive();
    assert.equal((JSON.parse(stdout) as { trainCount: number }).trainCount, 4);
    assert.deepEqual(
      outside.requests.slice(earlier).filter((line) => line.startsWith('PUT ')),
      [],
    );
  });

  it('asks for new URLs where those of a long upload have run out', async () => {
    const earlier = outside.requests.length;
    outside.inject({ kind: 'STATUS', status: 403, code: 'AccessDenied' }, { matching: /^PUT .*partNumber=2/ });
    const { stdout } = await importArchive();
    assert.equal((JSON.parse(stdout) as { trainCount: number }).trainCount, 4);
    const parts = outside.requests.slice(earlier).flatMap((line) => /^PUT .*partNumber=(\d+)/.exec(line)?.[1] ?? []);
    assert.deepEqual(parts, ['1', '2', '2']);
  });
});
