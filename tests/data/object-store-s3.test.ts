import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openObjectStore, reopenObjectStore } from '../../src/platform/object-store/open-object-store.js';
import { failureWith } from '../support/failure.js';
import { startJuicefs } from '../support/juicefs.js';
import type { S3Server } from '../support/s3-server.js';
import { startSeaweedfs } from '../support/seaweedfs.js';
import { keepsTheContract } from '../support/store-contract.js';
import { until } from '../support/until.js';

const SERVERS = { SeaweedFS: startSeaweedfs, JuiceFS: startJuicefs };

for (const [name, start] of Object.entries(SERVERS)) {
  describe(`the S3 object store on ${name}`, () => {
    let server: S3Server;
    let config: ReturnType<S3Server['config']>;
    before(async () => {
      server = await start();
      config = server.config('contract');
    });
    after(() => server?.close());

    keepsTheContract(() => openObjectStore(config));

    it('gives outsiders a URL for one object, whole or a part of it', async () => {
      const store = await openObjectStore(config);
      await store.put('public/shard.tar', Buffer.from('0123456789'));
      const url = (await store.presign('public/shard.tar', 60)) ?? '';
      assert.equal(await (await fetch(url)).text(), '0123456789');
      const part = await fetch(url, { headers: { range: 'bytes=2-4' } });
      assert.deepEqual([part.status, await part.text()], [206, '234']);
    });

    it('tells the type of what it sends, as it is asked to', async () => {
      const store = await openObjectStore(config);
      await store.put('public/typed.bin', Buffer.from('typed'));
      const url = (await store.presign('public/typed.bin', 60, { type: 'application/x-tar' })) ?? '';
      assert.equal((await fetch(url)).headers.get('content-type'), 'application/x-tar');
    });

    it('takes the parts of an upload from outsiders', async () => {
      const store = await openObjectStore(config);
      const upload = { key: 'public/sent.tar', id: await store.uploads.begin('public/sent.tar') };
      const url = (await store.uploads.presign(upload, 1, 60)) ?? '';
      const sent = await fetch(url, { method: 'PUT', body: 'sent by an outsider' });
      const tag = sent.headers.get('etag')?.replaceAll('"', '') ?? '';
      const age = Date.now() - ((await store.uploads.newestPart(upload))?.getTime() ?? 0);
      assert.ok(Math.abs(age) < 60_000, `the part is ${age} ms old`);
      assert.equal(await store.uploads.newestPart({ ...upload, id: 'none' }), null);
      await store.uploads.complete(upload, [{ number: 1, tag }]);
      assert.equal((await store.get(upload.key)).toString(), 'sent by an outsider');
    });

    it('lets nobody in without such a URL, with another object, or after its time', async () => {
      const store = await openObjectStore(config);
      await store.put('public/other.tar', Buffer.from('secret'));
      const url = (await store.presign('public/shard.tar', 1)) ?? '';
      const statusOf = async (address: string) => {
        const answer = await fetch(address);
        await answer.arrayBuffer();
        return answer.status;
      };
      assert.equal(await statusOf(url.split('?')[0]!), 403);
      assert.equal(await statusOf(url.replace('shard.tar', 'other.tar')), 403);
      await until('the URL expires', async () => (await statusOf(url)) === 403);
    });

    it('signs URLs for the endpoint that outsiders reach', async () => {
      const store = await openObjectStore({ ...config, publicEndpoint: 'https://data.example.org:9443' });
      assert.equal(new URL((await store.presign('public/shard.tar', 60)) ?? '').host, 'data.example.org:9443');
    });

    it('says what to check when keys are wrong or nobody answers', async () => {
      const stranger = openObjectStore({ ...config, secretKey: 'not-the-secret' });
      await assert.rejects(stranger, failureWith('BAD_CONFIGURATION', /S3_ACCESS_KEY, S3_SECRET_KEY/));
      const nobody = openObjectStore({ ...config, endpoint: 'http://127.0.0.1:1' });
      await assert.rejects(nobody, failureWith('UNAVAILABLE', /127\.0\.0\.1:1 .*ECONNREFUSED.*check S3_ENDPOINT/));
    });

    it('makes no bucket where it was opened before: that of the service may not be mounted yet', async () => {
      const unmounted = await reopenObjectStore(server.config('not-mounted'));
      await assert.rejects(unmounted.get('there'), failureWith('BAD_CONFIGURATION', 'no bucket'));
      await openObjectStore(server.config('not-mounted'));
      await unmounted.put('there', Buffer.from('x'));
      assert.equal((await unmounted.stat('there'))?.bytes, 1);
    });

    it('opens a bucket that several processes make at once', async () => {
      const stores = await Promise.all(Array.from({ length: 4 }, () => openObjectStore(server.config('made-at-once'))));
      await stores[0]!.put('here', Buffer.from('x'));
      assert.equal((await stores[3]!.stat('here'))?.bytes, 1);
    });
  });
}
