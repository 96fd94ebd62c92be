import 'reflect-metadata';
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { extract } from 'tar-stream';
import { decodePng } from '../../src/formats/png.js';
import { decodeSafetensors, tensorOfFile } from '../../src/formats/safetensors.js';
import { SetExports } from '../../src/http/data-plane/exports.js';
import type { Project } from '../../src/platform/database/generated/client.js';
import { digestOf, type ListedObject, type ObjectStore } from '../../src/platform/object-store/object-store.js';
import { openObjectStore } from '../../src/platform/object-store/open-object-store.js';
import { failureWith } from '../support/failure.js';
import { HEIGHT, labelOf, SIZE, WIDTH } from '../support/publish-inputs.js';
import { type DataPlaneServer, seedPublishedSet, serveDataPlane } from '../support/published-set.js';
import { type RealSet, seedRealSet } from '../support/real-set.js';
import type { S3Server } from '../support/s3-server.js';
import { startSeaweedfs } from '../support/seaweedfs.js';
import { seedProject } from '../support/seeds.js';
import { createWorld, type World } from '../support/world.js';

const NAMES = ['class-folders.tar', 'data.parquet', 'data.npz', 'set.safetensors'];

describe('exports of a set by URL', () => {
  let world: World;
  let s3: S3Server;
  let project: Project;
  let keys: Parameters<typeof serveDataPlane>[1];
  const planes: Record<string, { server: DataPlaneServer; set: RealSet; store: ObjectStore }> = {};

  before(async () => {
    [world, s3] = await Promise.all([createWorld(), startSeaweedfs()]);
    project = await seedProject(world.database);
    keys = { viewer: { projectId: project.id, keyPrefix: 'viewer', role: 'VIEWER' } };
    const stores = { 'by itself': world.store, 'by redirects': await openObjectStore(s3.config('exports')) };
    for (const [way, store] of Object.entries(stores)) {
      const parts = { database: world.database, store };
      planes[way] = { store, set: await seedRealSet(parts, project), server: await serveDataPlane(parts, keys) };
    }
  });
  after(async () => {
    for (const { server } of Object.values(planes)) await server.close();
    await s3?.close();
    await world?.close();
  });

  const ask = (server: DataPlaneServer, id: string, name: string, init: RequestInit = {}) =>
    fetch(`${server.url}/v1/distilled-sets/${id}/exports/${name}`, {
      ...init,
      headers: { authorization: 'Bearer viewer', ...init.headers },
    });
  const exportsOf = async (store: ObjectStore): Promise<ListedObject[]> => {
    const found: ListedObject[] = [];
    for await (const object of store.list('exports/')) found.push(object);
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  };

  for (const way of ['by itself', 'by redirects']) {
    it(`are made once, sent ${way}, and are what their digest says`, async () => {
      const { server, set, store } = planes[way]!;
      const { id } = set.manifest;
      for (const name of NAMES) {
        const first = await ask(server, id, name, { redirect: 'manual' });
        assert.equal(first.status, way === 'by itself' ? 200 : 302);
        const etag = first.headers.get('etag') ?? '';
        await first.arrayBuffer();
        const answers = await Promise.all([1, 2].map(() => ask(server, id, name)));
        for (const answer of answers) {
          assert.equal(answer.status, 200);
          assert.equal(`"${digestOf(Buffer.from(await answer.arrayBuffer()))}"`, etag);
        }
        const known = await ask(server, id, name, { headers: { 'if-none-match': etag }, redirect: 'manual' });
        assert.equal(known.status, 304);
        const head = await ask(server, id, name, { method: 'HEAD' });
        assert.ok(Number(head.headers.get('content-length')) > 0);
      }
      // A note and a file of each.
      assert.equal((await exportsOf(store)).length, 2 * NAMES.length);
    });
  }

  it('hold every image with its class', async () => {
    const { server, set } = planes['by itself']!;
    const { total, pixels } = set.inputs;
    const tar = extract();
    tar.end(Buffer.from(await (await ask(server, set.manifest.id, 'class-folders.tar')).arrayBuffer()));
    let images = 0;
    let manifest: unknown;
    for await (const entry of tar) {
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      if (entry.header.name === 'manifest.json') manifest = JSON.parse(Buffer.concat(chunks).toString('utf8'));
      const [, label, index] = /^(\d)_[^/]+\/(\d{6})\.png$/.exec(entry.header.name) ?? [];
      if (index === undefined) continue;
      assert.equal(Number(label), labelOf(Number(index) < 612 ? Number(index) : Number(index) - 612));
      const expected = pixels.subarray(Number(index) * SIZE, (Number(index) + 1) * SIZE);
      assert.deepEqual(new Uint8Array(decodePng(Buffer.concat(chunks)).pixels), new Uint8Array(expected));
      images += 1;
    }
    assert.equal(images, total);
    assert.deepEqual(manifest, JSON.parse(JSON.stringify(set.manifest)));
    const tensors = await (await ask(server, set.manifest.id, 'set.safetensors')).arrayBuffer();
    const file = decodeSafetensors(Buffer.from(tensors));
    const shape = [total, 1, 2 * HEIGHT, 2 * WIDTH];
    assert.deepEqual(tensorOfFile(file, 'images', 'F32', [-1, -1, -1, -1]).shape, shape);
  });

  it('are one file, however many ask for it at once', async () => {
    const { server, store } = planes['by itself']!;
    const other = await seedRealSet({ database: world.database, store }, project);
    const before = (await exportsOf(store)).length;
    const answers = await Promise.all([1, 2, 3, 4].map(() => ask(server, other.manifest.id, 'data.npz')));
    const digests = await Promise.all(answers.map(async (answer) => digestOf(Buffer.from(await answer.arrayBuffer()))));
    assert.deepEqual([new Set(digests).size, answers.map(({ status }) => status)], [1, [200, 200, 200, 200]]);
    // Of the same content as the other set: the npz does not hold its id.
    assert.equal((await exportsOf(store)).length, before + 1);
  });

  it('are made again after garbage collection, to the same bytes', async () => {
    const { server, set, store } = planes['by itself']!;
    const before = await exportsOf(store);
    for (const { key } of before.filter(({ key }) => !key.endsWith('.json'))) await store.delete(key);
    for (const name of NAMES) assert.equal((await ask(server, set.manifest.id, name)).status, 200);
    const keysOf = (objects: ListedObject[]) => objects.map(({ key }) => key);
    assert.deepEqual(keysOf(await exportsOf(store)), keysOf(before));
  });

  it('are not begun where the disk has no room for them', async () => {
    const { set, store } = planes['by itself']!;
    const manifest = { ...set.manifest, sampleCount: 1e12 };
    const shards = new Map([['shards/000000.tar', { key: 'none', digest: 'none', bytes: 1e15 }]]);
    const exports = new SetExports(store, join(world.stateDir, 'no-room'));
    for (const name of ['set.safetensors', 'class-folders.tar'] as const) {
      const made = exports.find(`sha256:${name}`, name, async () => ({
        manifest,
        manifestJson: Buffer.from(''),
        shards,
      }));
      await assert.rejects(made, failureWith('STORAGE_FULL', 'are needed with some to spare'));
    }
    assert.deepEqual(await readdir(join(world.stateDir, 'no-room')), []);
  });

  it('say in one line which there are, and what is wrong with the set', async () => {
    const { server, set, store } = planes['by itself']!;
    const failed = async (answer: Promise<Response>, status: number, words: RegExp) => {
      const response = await answer;
      const text = await response.text();
      assert.equal(response.status, status, text);
      assert.match((JSON.parse(text) as { error: { message: string } }).error.message, words);
    };
    await failed(
      ask(server, set.manifest.id, 'data.mat'),
      404,
      /^There is no export data\.mat: there are class-folders\.tar,/,
    );
    const staged = await seedPublishedSet({ database: world.database, store }, project, 'STAGING');
    await failed(ask(server, staged.id, 'data.npz'), 409, /not published yet/);
    const broken = await seedPublishedSet({ database: world.database, store }, project);
    await failed(
      ask(server, broken.id, 'data.npz'),
      500,
      /^Export data\.npz of distilled set .* is not a readable tar file/,
    );
  });
});
