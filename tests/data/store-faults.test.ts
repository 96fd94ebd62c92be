import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, afterEach, before, describe, it } from 'node:test';
import { generate } from 'selfsigned';
import { completeUpload, type ObjectStore } from '../../src/platform/object-store/object-store.js';
import { openObjectStore } from '../../src/platform/object-store/open-object-store.js';
import { openS3ObjectStore } from '../../src/platform/object-store/s3-object-store.js';
import { failureWith } from '../support/failure.js';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import type { S3Server } from '../support/s3-server.js';
import { startSeaweedfs } from '../support/seaweedfs.js';

const PATIENCE = { attempts: 4, baseDelayMs: 5, maxDelayMs: 40, idleMs: 1_500 };
const PUT = /^PUT /;
const GET = /^GET /;

describe('an S3 store that fails now and then', () => {
  let server: S3Server;
  let proxy: FaultProxy;
  let store: ObjectStore;
  /** As many requests as `work` took. */
  const countOf = async (work: () => Promise<unknown>): Promise<number> => {
    const before = proxy.requests.length;
    await work();
    return proxy.requests.length - before;
  };

  before(async () => {
    server = await startSeaweedfs();
    proxy = await startFaultProxy(server.endpoint);
    // The first write of a fresh server takes its time.
    const patient = await openObjectStore(server.config('faults'));
    await patient.put('first', Buffer.from('x'));
    store = await openS3ObjectStore({ ...server.config('faults'), endpoint: proxy.endpoint }, PATIENCE);
    await store.put('there', Buffer.from('0123456789'));
  });
  after(async () => {
    await proxy?.close();
    await server?.close();
  });
  afterEach(() => proxy.heal());

  for (const [status, code] of [
    [503, 'SlowDown'],
    [500, 'InternalError'],
    [429, 'TooManyRequests'],
    [502, 'BadGateway'],
  ] as const) {
    it(`tries again after ${status} ${code}, and gets through`, async () => {
      proxy.inject({ kind: 'STATUS', status, code }, { times: 3 });
      assert.equal((await store.get('there')).toString(), '0123456789');
      proxy.inject({ kind: 'STATUS', status, code }, { times: 2 });
      await store.put(`after/${code}`, Buffer.from(code));
      assert.equal((await store.get(`after/${code}`)).toString(), code);
    });
  }

  it('keeps no connection for what it throttled', { timeout: 20_000 }, async () => {
    // Chance may throttle one of them many times.
    const patient = { ...PATIENCE, attempts: 129, idleMs: 60_000 };
    const throttled = await openS3ObjectStore({ ...server.config('faults'), endpoint: proxy.endpoint }, patient);
    // As many as there are connections, twice.
    proxy.inject({ kind: 'STATUS', status: 503, code: 'SlowDown' }, { times: 128 });
    const all = await Promise.all(Array.from({ length: 64 }, () => throttled.get('there')));
    assert.ok(all.every((bytes) => bytes.toString() === '0123456789'));
  });

  it('tries again on a new connection after a reset', async () => {
    proxy.inject({ kind: 'RESET' }, { times: 2 });
    assert.equal(await countOf(() => store.stat('there')), 3);
    proxy.inject({ kind: 'RESET' }, { matching: PUT });
    await store.put('after/reset', Buffer.from('arrived'));
    assert.equal((await store.get('after/reset')).toString(), 'arrived');
  });

  it('gives up a connection on which nothing moves, and tries again', async () => {
    proxy.inject({ kind: 'STALL' }, { times: 2 });
    assert.equal((await store.get('there')).toString(), '0123456789');
    proxy.inject({ kind: 'STALL' }, { matching: PUT });
    await store.put('after/stall', Buffer.from('arrived'));
  });

  it('waits for an answer that comes slowly, as long as it comes', async () => {
    const bytes = Buffer.alloc(50_000, 'slow');
    await store.put('slow', bytes);
    // Two seconds and more altogether, which is longer than an idle connection may live.
    proxy.inject({ kind: 'SLOW', bytes: 5_000, pauseMs: 250 }, { matching: GET });
    assert.equal(await countOf(async () => assert.ok((await store.get('slow')).equals(bytes))), 1);
  });

  it('goes on with a stream from the byte where it broke', async () => {
    const bytes = Buffer.alloc(300_000, 'a stream that breaks');
    await store.put('stream', bytes);
    proxy.inject({ kind: 'CUT', bytes: 100_000 }, { matching: GET });
    proxy.inject({ kind: 'CUT', bytes: 70_000 }, { matching: GET });
    assert.ok((await buffer(await store.stream('stream'))).equals(bytes));
    proxy.inject({ kind: 'CUT', bytes: 500 }, { matching: GET });
    const part = await buffer(await store.stream('stream', { start: 1_000, length: 2_000 }));
    assert.ok(part.equals(bytes.subarray(1_000, 3_000)));
    proxy.inject({ kind: 'CUT', bytes: 100_000 }, { matching: GET });
    assert.ok((await store.get('stream')).equals(bytes));
  });

  it('completes an upload once, where the answer to that was lost', async () => {
    const key = 'uploads/answered-late';
    const upload = { key, id: await store.uploads.begin(key) };
    const tag = await store.uploads.put(upload, 1, Buffer.from('whole'));
    proxy.inject({ kind: 'CUT', bytes: 0 }, { matching: /^POST .*uploadId=/ });
    await completeUpload(store, upload, [{ number: 1, tag }], 5);
    assert.equal((await store.get(key)).toString(), 'whole');
    const other = { key: 'uploads/other', id: await store.uploads.begin('uploads/other') };
    await assert.rejects(completeUpload(store, other, [{ number: 1, tag }], 5), /did not arrive/);
  });

  it('sends again what arrived damaged, since the server noticed', async () => {
    const bytes = Buffer.alloc(10_000, 'to be damaged');
    proxy.inject({ kind: 'DAMAGE' }, { matching: PUT });
    await store.put('damaged', bytes);
    assert.ok((await store.get('damaged')).equals(bytes));
    const upload = { key: 'damaged.tar', id: await store.uploads.begin('damaged.tar') };
    proxy.inject({ kind: 'DAMAGE' }, { matching: PUT });
    const tag = await store.uploads.put(upload, 1, bytes);
    await store.uploads.complete(upload, [{ number: 1, tag }]);
    assert.ok((await store.get('damaged.tar')).equals(bytes));
  });

  it('does not repeat what another try cannot mend', async () => {
    assert.equal(await countOf(() => store.get('not-there').catch(() => undefined)), 1);
    proxy.inject({ kind: 'STATUS', status: 403, code: 'AccessDenied' });
    const refused = countOf(() => assert.rejects(store.get('there'), failureWith('BAD_CONFIGURATION', /AccessDenied/)));
    assert.equal(await refused, 1);
  });

  it('ends in one clear failure when it goes on, and works again when that is over', async () => {
    proxy.inject({ kind: 'STATUS', status: 503, code: 'SlowDown' }, { times: 100 });
    const words = /does not answer as it should \(HTTP 503\): check S3_ENDPOINT and that it runs/;
    const requests = await countOf(() => assert.rejects(store.get('there'), failureWith('UNAVAILABLE', words)));
    assert.equal(requests, PATIENCE.attempts);
    proxy.heal();
    proxy.inject({ kind: 'CUT', bytes: 4 }, { matching: GET });
    proxy.inject({ kind: 'STATUS', status: 503, code: 'SlowDown' }, { times: 100 });
    await assert.rejects(
      buffer(await store.stream('there', { start: 0, length: 10 })),
      failureWith('UNAVAILABLE', words),
    );
    proxy.heal();
    proxy.inject({ kind: 'STALL' }, { times: 100 });
    await assert.rejects(store.put('never', Buffer.from('x')), failureWith('UNAVAILABLE', /ETIMEDOUT/));
    proxy.heal();
    assert.equal(await store.stat('never'), null);
    assert.equal((await store.get('there')).toString(), '0123456789');
  });

  it('speaks TLS with a store whose authority it is given, and with no other', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'teddyhub-tls-'));
    const certFile = join(folder, 'cert.pem');
    const { private: key, cert } = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
    });
    await writeFile(certFile, cert);
    const secure = await startFaultProxy(server.endpoint, { key, cert });
    try {
      const config = { ...server.config('over-tls'), endpoint: secure.endpoint };
      const words = /certificate that is not trusted .*S3_CA_FILE/;
      await assert.rejects(openS3ObjectStore(config, PATIENCE), failureWith('BAD_CONFIGURATION', words));
      const trusted = await openS3ObjectStore({ ...config, caFile: certFile }, PATIENCE);
      await trusted.put('secret', Buffer.from('over TLS'));
      assert.equal((await trusted.get('secret')).toString(), 'over TLS');
      secure.inject({ kind: 'DAMAGE' }, { matching: PUT });
      await trusted.put('damaged', Buffer.alloc(10_000, 'x'));
      assert.ok((await trusted.get('damaged')).equals(Buffer.alloc(10_000, 'x')));
    } finally {
      await secure.close();
      await rm(folder, { recursive: true });
    }
  });
});
