import 'reflect-metadata';
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ROLES, type Viewer } from '../../src/domain/viewer.js';
import { encodeSafetensors } from '../../src/formats/safetensors.js';
import { makeToken } from '../../src/modules/set-token/secret.js';
import type { Project } from '../../src/platform/database/generated/client.js';
import { type ObjectStore, putByDigest } from '../../src/platform/object-store/object-store.js';
import { openObjectStore } from '../../src/platform/object-store/open-object-store.js';
import { type DataPlaneServer, type SeededSet, seedPublishedSet, serveDataPlane } from '../support/published-set.js';
import { startSeaweedfs } from '../support/seaweedfs.js';
import { seedDataset, seedPool, seedProject } from '../support/seeds.js';
import { createWorld, type World } from '../support/world.js';

describe('the data plane', () => {
  let world: World;
  let project: Project;
  let set: SeededSet;
  let server: DataPlaneServer;
  const keys: Record<string, Viewer> = {};

  const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    fetch(`${server.url}/v1/distilled-sets/${path}`, {
      method,
      headers: { authorization: 'Bearer viewer', ...headers },
      redirect: 'manual',
    });
  const refused = async (answer: Promise<Response>, status: number, code: string, words: RegExp) => {
    const response = await answer;
    const text = await response.text();
    assert.equal(response.status, status, text);
    assert.doesNotMatch(text, /\n/);
    const { error } = JSON.parse(text) as { error: { code: string; message: string; requestId: string } };
    assert.equal(error.code, code);
    assert.match(error.message, words);
    assert.ok(error.requestId.length > 0);
    assert.equal(response.headers.get('x-request-id'), error.requestId);
    return response;
  };

  const tokenFor = async (distilledSetId: string, changes: { expiresAt?: Date; revokedAt?: Date } = {}) => {
    const { token, prefix, secretHash } = makeToken();
    const expiresAt = new Date(Date.now() + 60_000);
    const data = { distilledSetId, name: 'job', prefix, secretHash, expiresAt, ...changes };
    await world.database.distilledSetToken.create({ data });
    return token;
  };

  before(async () => {
    world = await createWorld();
    project = await seedProject(world.database);
    for (const role of ROLES) keys[role.toLowerCase()] = { projectId: project.id, keyPrefix: role, role };
    const elsewhere = await seedProject(world.database);
    keys.stranger = { projectId: elsewhere.id, keyPrefix: 'stranger', role: 'ADMIN' };
    set = await seedPublishedSet(world, project);
    server = await serveDataPlane(world, keys);
  });
  after(async () => {
    await server?.close();
    await world?.close();
  });

  it('serves the manifest by global id and by UUID, with the digest of the set as its ETag', async () => {
    for (const id of [set.globalId, set.id, set.id.toUpperCase()]) {
      const answer = await get(`${id}/manifest.json`);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('etag'), `"${set.manifest.digest}"`);
      assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
      assert.match(answer.headers.get('cache-control') ?? '', /^private.*immutable$/);
      assert.ok(answer.headers.get('x-request-id'));
      assert.deepEqual(await answer.json(), set.manifest);
    }
  });

  it('answers 304 to who has it already', async () => {
    const known = await get(`${set.id}/manifest.json`, { 'if-none-match': `"${set.manifest.digest}"` });
    assert.deepEqual([known.status, await known.text()], [304, '']);
    const { digest } = set.files['000000.tar']!;
    const shard = await get(`${set.id}/shards/000000.tar`, { 'if-none-match': `W/"x", "${digest}"` });
    assert.equal(shard.status, 304);
    assert.equal((await get(`${set.id}/manifest.json`, { 'if-none-match': '"sha256:other"' })).status, 200);
  });

  it('serves shards and labels whole, with their length and type', async () => {
    const types = { shards: 'application/x-tar', labels: 'application/octet-stream' };
    for (const { url, sha256, bytes } of [
      ...set.manifest.shards,
      ...set.manifest.labelModes.flatMap(({ files }) => files),
    ]) {
      const [folder = '', name = ''] = url.split('/');
      const answer = await get(`${set.id}/${url}`);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('content-length'), String(bytes));
      assert.equal(answer.headers.get('etag'), `"${sha256}"`);
      assert.equal(answer.headers.get('content-type'), types[folder as keyof typeof types]);
      assert.ok(Buffer.from(await answer.arrayBuffer()).equals(set.contents[name]!));
    }
  });

  it('serves the range that is asked for', async () => {
    const whole = set.contents['000000.tar']!;
    const { digest } = set.files['000000.tar']!;
    const ask = async (headers: Record<string, string>) => {
      const answer = await get(`${set.id}/shards/000000.tar`, headers);
      const body = Buffer.from(await answer.arrayBuffer());
      return { status: answer.status, body, range: answer.headers.get('content-range') };
    };
    const middle = await ask({ range: 'bytes=100-199' });
    assert.deepEqual([middle.status, middle.range], [206, `bytes 100-199/${whole.length}`]);
    assert.ok(middle.body.equals(whole.subarray(100, 200)));
    assert.ok((await ask({ range: 'bytes=-7' })).body.equals(whole.subarray(-7)));
    const all = await ask({ range: 'bytes=-65536' });
    assert.deepEqual([all.status, all.range], [206, `bytes 0-${whole.length - 1}/${whole.length}`]);
    assert.ok(all.body.equals(whole));
    assert.ok((await ask({ range: 'bytes=39000-', 'if-range': `"${digest}"` })).body.equals(whole.subarray(39_000)));
    assert.equal((await ask({ range: 'bytes=0-1', 'if-range': '"another"' })).status, 200);
    assert.equal((await ask({ range: 'bytes=0-1,5-6' })).status, 200);
    const beyond = await ask({ range: 'bytes=40000-' });
    assert.deepEqual([beyond.status, beyond.range], [416, `bytes */${whole.length}`]);
  });

  it('looks at the bytes of a file once, however many ask for parts of it at once', async () => {
    const { key } = set.files['000000.tar']!;
    let whole = 0;
    const stream: ObjectStore['stream'] = (of, range) => {
      if (of === key && range === undefined) whole += 1;
      return world.store.stream(of, range);
    };
    const counted = await serveDataPlane({ ...world, store: { ...world.store, stream } }, keys);
    try {
      const part = () =>
        fetch(`${counted.url}/v1/distilled-sets/${set.id}/shards/000000.tar`, {
          headers: { authorization: 'Bearer viewer', range: 'bytes=0-9' },
        });
      const answers = await Promise.all(Array.from({ length: 8 }, part));
      assert.deepEqual([...new Set(answers.map(({ status }) => status))], [206]);
      assert.equal(whole, 1);
    } finally {
      await counted.close();
    }
  });

  it('serves the state dict of a teacher, to keys of its project alone', async () => {
    const pool = await seedPool(world.database, await seedDataset(world.database, project), 1);
    const bytes = encodeSafetensors({ 'classifier.bias': { dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) } });
    const { key, digest } = await putByDigest(world.store, 'checkpoints', bytes, '.safetensors');
    const data = { checkpointKey: key, checkpointDigest: digest, checkpointBytes: bytes.length };
    const where = { poolId_index: { poolId: pool.id, index: 0 } };
    const { id } = await world.database.teacher.update({ where, data });
    const ask = (authorization: string, name = 'checkpoint.safetensors') =>
      fetch(`${server.url}/v1/teachers/${id}/${name}`, { headers: { authorization } });
    const answer = await ask('Bearer viewer');
    assert.deepEqual([answer.status, answer.headers.get('etag')], [200, `"${digest}"`]);
    assert.ok(Buffer.from(await answer.arrayBuffer()).equals(bytes));
    await refused(ask('Bearer stranger'), 404, 'NOT_FOUND', /Teacher/);
    await refused(ask('Bearer nobody'), 401, 'UNAUTHENTICATED', /API key/);
    await refused(ask('Bearer worker'), 403, 'FORBIDDEN', /role WORKER/);
    await refused(ask(`Bearer ${await tokenFor(set.id)}`), 403, 'FORBIDDEN', /one distilled set and no teacher/);
    await world.store.delete(key);
    await refused(ask('Bearer viewer'), 500, 'OBJECT_MISSING', /checkpoint of teacher/);
  });

  it('answers HEAD as GET, without the bytes', async () => {
    const answer = await get(`${set.id}/shards/000001.tar`, {}, 'HEAD');
    assert.deepEqual([answer.status, answer.headers.get('content-length')], [200, '10240']);
    assert.equal((await answer.arrayBuffer()).byteLength, 0);
    assert.equal(answer.headers.get('content-type'), 'application/x-tar');
    for (const document of ['manifest.json', 'croissant.json', 'wids.json']) {
      const [head, whole] = [await get(`${set.id}/${document}`, {}, 'HEAD'), await get(`${set.id}/${document}`)];
      const kept = document === 'manifest.json' ? 'private, max-age=31536000, immutable' : 'private, no-cache';
      assert.equal(whole.headers.get('cache-control'), kept, document);
      const told = (from: Response) => ['etag', 'content-type', 'content-length'].map((name) => from.headers.get(name));
      assert.deepEqual(told(head), told(whole));
      const known = await get(`${set.id}/${document}`, { 'if-none-match': whole.headers.get('etag') ?? '' });
      assert.equal(known.status, 304, document);
    }
  });

  it('lets every role of the project read, and nobody else', async () => {
    for (const role of ROLES) {
      const answer = await get(`${set.id}/manifest.json`, { authorization: `Bearer ${role.toLowerCase()}` });
      assert.equal(answer.status, 200, role);
    }
    for (const path of ['manifest.json', 'shards/000000.tar', 'labels/static.safetensors']) {
      const unknown = get(`${set.id}/${path}`, { authorization: 'Bearer nobody' });
      const answer = await refused(unknown, 401, 'UNAUTHENTICATED', /API key/);
      assert.match(answer.headers.get('www-authenticate') ?? '', /Bearer.*Basic/);
      await refused(fetch(`${server.url}/v1/distilled-sets/${set.id}/${path}`), 401, 'UNAUTHENTICATED', /API key/);
      const stranger = get(`${set.globalId}/${path}`, { authorization: 'Bearer stranger' });
      await refused(stranger, 404, 'NOT_FOUND', /no DistilledSet/);
    }
  });

  it('lets a token read its own set, until its time, and nothing else', async () => {
    const other = await seedPublishedSet(world, project);
    const token = await tokenFor(set.id);
    const basic = (user: string) => `Basic ${Buffer.from(user).toString('base64')}`;
    const plainly = (path: string, headers: Record<string, string> = {}) =>
      fetch(`${server.url}/v1/distilled-sets/${path}`, { headers, redirect: 'manual' });
    for (const path of [
      'manifest.json',
      'shards/000000.tar',
      'labels/static.safetensors',
      'croissant.json',
      'wids.json',
    ]) {
      for (const authorization of [`Bearer ${token}`, basic(`any:${token}`)]) {
        assert.equal((await plainly(`${set.id}/${path}`, { authorization })).status, 200, path);
        await refused(plainly(`${other.id}/${path}`, { authorization }), 404, 'NOT_FOUND', /no DistilledSet/);
      }
      assert.equal((await plainly(`${set.globalId}/${path}?token=${token}`)).status, 200);
      await refused(plainly(`${other.id}/${path}?token=${token}`), 404, 'NOT_FOUND', /no DistilledSet/);
    }
    const expired = await tokenFor(set.id, { expiresAt: new Date(Date.now() - 1) });
    const revoked = await tokenFor(set.id, { revokedAt: new Date() });
    const forged = `${token.slice(0, 13)}${'A'.repeat(43)}`;
    for (const useless of [expired, revoked, forged, 'tht_nonsense']) {
      const answer = plainly(`${set.id}/manifest.json?token=${useless}`);
      await refused(answer, 401, 'UNAUTHENTICATED', /does not work, or not any more/);
    }
  });

  it('takes a key as the password of a URL, and never from the query', async () => {
    const authorization = `Basic ${Buffer.from('any:viewer').toString('base64')}`;
    assert.equal((await get(`${set.id}/manifest.json`, { authorization })).status, 200);
    const inQuery = fetch(`${server.url}/v1/distilled-sets/${set.id}/manifest.json?token=viewer`);
    await refused(inQuery, 401, 'UNAUTHENTICATED', /API key/);
  });

  it('says what does not exist', async () => {
    const otherType = Buffer.from(`Dataset:${set.id}`).toString('base64url');
    for (const id of ['nothing', otherType, '0192d3a4-0000-7000-8000-000000000000']) {
      await refused(get(`${id}/manifest.json`), 404, 'NOT_FOUND', /no DistilledSet/);
    }
    await refused(get(`${set.id}/shards/000009.tar`), 404, 'NOT_FOUND', /no shard 000009\.tar/);
    await refused(get(`${set.id}/labels/000000.tar`), 404, 'NOT_FOUND', /no label file 000000\.tar/);
    await refused(get(`${set.id}/shards/%00`), 400, 'INVALID_INPUT', /zero byte/);
    await refused(get(`${set.id}/shards/..%2F..%2Fetc%2Fpasswd`), 404, 'NOT_FOUND', /no shard/);
    for (const path of [set.id, `${set.id}/nothing`]) await refused(get(path), 404, 'NOT_FOUND', /docs\/formats\.md/);
    await refused(get(`${set.id}/manifest.json`, {}, 'POST'), 404, 'NOT_FOUND', /by GET/);
  });

  it('serves what is archived, and nothing that is not published yet', async () => {
    const archived = await seedPublishedSet(world, project, 'ARCHIVED');
    assert.equal((await get(`${archived.id}/shards/000000.tar`)).status, 200);
    const staging = await seedPublishedSet(world, project, 'STAGING');
    for (const path of ['manifest.json', 'shards/000000.tar', 'labels/static.safetensors']) {
      await refused(get(`${staging.id}/${path}`), 409, 'INVALID_STATE', /not published yet/);
    }
    await world.database.distilledSet.update({ where: { id: staging.id }, data: { state: 'ARCHIVED' } });
    await refused(get(`${staging.id}/shards/000000.tar`), 409, 'INVALID_STATE', /not published yet/);
  });

  it('refuses to send what was changed or lost in the store, and names it', async () => {
    const broken = await seedPublishedSet(world, project);
    const [shard, label] = [broken.files['000000.tar']!, broken.files['static.safetensors']!];
    await world.store.put(shard.key, Buffer.alloc(shard.bytes, 'changed'));
    await world.store.delete(label.key);
    const answer = await refused(
      get(`${broken.id}/shards/000000.tar`),
      500,
      'OBJECT_CORRUPT',
      new RegExp(`Shard 000000\\.tar of distilled set ${broken.id}.*was changed`),
    );
    assert.deepEqual([answer.headers.get('etag'), answer.headers.get('cache-control')], [null, 'no-store']);
    const lost = /Label file static\.safetensors .*not in the object store/;
    await refused(get(`${broken.id}/labels/static.safetensors`), 500, 'OBJECT_MISSING', lost);
    assert.equal((await get(`${broken.id}/shards/000001.tar`)).status, 200);
  });

  it('sends who asks to the object store where that has URLs', async () => {
    const s3 = await startSeaweedfs();
    const store = await openObjectStore(s3.config('data-plane'));
    const parts = { database: world.database, store };
    const plane = await serveDataPlane(parts, keys);
    try {
      const remote = await seedPublishedSet(parts, project);
      const url = `${plane.url}/v1/distilled-sets/${remote.id}/shards/000000.tar`;
      const headers = { authorization: 'Bearer viewer' };
      const answer = await fetch(url, { headers, redirect: 'manual' });
      assert.equal(answer.status, 302);
      assert.equal(answer.headers.get('cache-control'), 'private, no-store');
      const body = await fetch(answer.headers.get('location') ?? '');
      assert.ok(Buffer.from(await body.arrayBuffer()).equals(remote.contents['000000.tar']!));
      assert.equal((await fetch(url, { headers, method: 'HEAD', redirect: 'manual' })).status, 200);
      await store.delete(remote.files['000000.tar']!.key);
      const missing = fetch(url, { headers, redirect: 'manual' });
      await refused(missing, 500, 'OBJECT_MISSING', /Shard 000000\.tar/);
      await s3.close();
      const gone = fetch(`${plane.url}/v1/distilled-sets/${remote.id}/manifest.json`, { headers });
      const unavailable = await refused(
        gone,
        503,
        'UNAVAILABLE',
        /^The service cannot reach its storage: try again in a moment\.$/,
      );
      assert.equal(unavailable.headers.get('retry-after'), '5');
    } finally {
      await plane.close();
      await s3.close();
    }
  });

  it('answers 503 while the database is away', async () => {
    const startAgain = await world.stopDatabase();
    try {
      await refused(get(`${set.id}/manifest.json`), 503, 'UNAVAILABLE', /database does not answer/);
    } finally {
      await startAgain();
    }
    assert.equal((await get(`${set.id}/manifest.json`)).status, 200);
  });
});
