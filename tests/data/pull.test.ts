import 'reflect-metadata';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { manifestBytes, setDigest } from '../../src/domain/manifest.js';
import type { Project } from '../../src/platform/database/generated/client.js';
import { self } from '../../src/platform/embedded/process.js';
import { leaveServiceUrl } from '../../src/platform/embedded/services.js';
import { digestOf, putByDigest } from '../../src/platform/object-store/object-store.js';
import { openObjectStore } from '../../src/platform/object-store/open-object-store.js';
import { type Outcome, runTeddyhub } from '../support/command.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import { type DataPlaneServer, type SeededSet, seedPublishedSet, serveDataPlane } from '../support/published-set.js';
import { startSeaweedfs } from '../support/seaweedfs.js';
import { seedProject } from '../support/seeds.js';
import { createWorld, type World } from '../support/world.js';

const FILES = ['shards/000000.tar', 'shards/000001.tar', 'labels/static.safetensors', 'labels/fkd-000000.safetensors'];
const DESCRIPTIONS = ['croissant.json', 'manifest.json', 'wids.json'];

describe('teddyhub pull', () => {
  let world: World;
  let project: Project;
  let set: SeededSet;
  let server: DataPlaneServer;
  let keys: Parameters<typeof serveDataPlane>[1];
  let made = 0;

  /** Runs the command in the world's folder. */
  const teddyhub = (args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> =>
    runTeddyhub(['pull', ...args], { cwd: world.stateDir, env });
  const pull = (id: string, to: string, url = server.url) =>
    teddyhub([id, '--to', to, '--url', url, '--key', 'viewer']);
  const newFolder = () => join(world.stateDir, `pulled-${++made}`);
  const filesIn = async (folder: string) =>
    (await readdir(folder, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
      .sort();
  const failed = ({ status, errors }: Outcome, words: RegExp) => {
    assert.equal(status, 1, errors.join('\n'));
    assert.equal(errors.length, 1, errors.join('\n'));
    assert.match(errors[0]!, words);
  };

  before(async () => {
    world = await createWorld();
    project = await seedProject(world.database);
    keys = { viewer: { projectId: project.id, keyPrefix: 'viewer', role: 'VIEWER' } };
    set = await seedPublishedSet(world, project);
    server = await serveDataPlane(world, keys);
  });
  after(async () => {
    await server?.close();
    await world?.close();
  });

  it('fetches every file of a set, says a line for each, and sums up', async () => {
    const folder = newFolder();
    const { status, lines, errors } = await pull(set.globalId, folder);
    assert.deepEqual([status, errors], [0, []]);
    assert.deepEqual(await filesIn(folder), [...FILES, ...DESCRIPTIONS].sort());
    for (const path of FILES) {
      const name = path.split('/')[1] ?? '';
      assert.equal(digestOf(await readFile(join(folder, path))), set.files[name]?.digest);
      assert.ok(
        lines.some((line) => line.startsWith('fetched') && line.includes(path)),
        path,
      );
    }
    assert.ok((await readFile(join(folder, 'manifest.json'))).equals(manifestBytes(set.manifest)));
    assert.equal(lines.length, FILES.length + 2);
    assert.match(lines.at(-1)!, /8 samples of 2 classes in .*4 files, 53\.7 kB, 4 fetched, 0 already there; sha256:/);
  });

  it('fetches only what is missing or damaged when it is run again', async () => {
    const folder = newFolder();
    await pull(set.id, folder);
    await rm(join(folder, FILES[3]!));
    await writeFile(join(folder, FILES[0]!), Buffer.alloc(40_000, 'damaged'));
    await writeFile(join(folder, FILES[2]!), 'cut');
    const before = server.requests.length;
    const { status, lines } = await pull(set.id, folder);
    assert.equal(status, 0);
    const asked = server.requests.slice(before).map((path) => path.split('/').slice(4).join('/'));
    assert.deepEqual(asked.sort(), ['manifest.json', 'croissant.json', FILES[0], FILES[2], FILES[3]].sort());
    assert.match(lines.at(-1)!, /3 fetched, 1 already there/);
    assert.equal(digestOf(await readFile(join(folder, FILES[0]!))), set.files['000000.tar']!.digest);
  });

  it('names a shard that was changed in the store, keeps what was verified, and goes on when it is mended', async () => {
    const broken = await seedPublishedSet(world, project);
    const shard = broken.files['000001.tar']!;
    await world.store.put(shard.key, Buffer.alloc(shard.bytes, 'changed'));
    const folder = newFolder();
    failed(await pull(broken.id, folder), /^teddyhub: Shard 000001\.tar .* was changed: .*\(request /);
    assert.deepEqual(await filesIn(folder), ['shards/000000.tar']);
    await world.store.put(shard.key, broken.contents['000001.tar']!);
    assert.match((await pull(broken.id, folder)).lines.at(-1)!, /3 fetched, 1 already there/);
  });

  it('refuses by itself what the object store sends with other bytes', async () => {
    const s3 = await startSeaweedfs();
    const parts = { database: world.database, store: await openObjectStore(s3.config('pull')) };
    const plane = await serveDataPlane(parts, keys);
    try {
      const remote = await seedPublishedSet(parts, project);
      const shard = remote.files['000000.tar']!;
      await parts.store.put(shard.key, Buffer.alloc(shard.bytes, 'changed'));
      const folder = newFolder();
      failed(
        await pull(remote.id, folder, plane.url),
        /shards\/000000\.tar did not arrive as the manifest says .*refused/,
      );
      assert.deepEqual(await filesIn(folder), []);
      await parts.store.put(shard.key, remote.contents['000000.tar']!);
      assert.equal((await pull(remote.id, folder, plane.url)).status, 0);
      assert.deepEqual(await filesIn(folder), [...FILES, ...DESCRIPTIONS].sort());
    } finally {
      await plane.close();
      await s3.close();
    }
  });

  it('goes on where a connection broke, at once and in the next run', async () => {
    const proxy = await startFaultProxy(server.url);
    try {
      const folder = newFolder();
      const whole = 40_000;
      proxy.inject({ kind: 'CUT', bytes: 15_000 }, { matching: /000000\.tar/ });
      proxy.inject({ kind: 'RESET' }, { times: 2, matching: /000000\.tar/ });
      assert.equal((await pull(set.id, folder, proxy.endpoint)).status, 0);
      const ranges = () => server.ranges.filter((range) => range !== undefined);
      assert.deepEqual(ranges(), ['bytes=15000-']);
      const other = newFolder();
      proxy.inject({ kind: 'CUT', bytes: 30_000 }, { matching: /000000\.tar/ });
      proxy.inject({ kind: 'RESET' }, { times: 100, matching: /000000\.tar/ });
      failed(await pull(set.id, other, proxy.endpoint), /No complete answer from .*run the same command again/);
      const [part] = await filesIn(other);
      assert.match(part ?? '', /^shards\/\.000000\.tar\.[0-9a-f]{16}\.\S+\.part$/);
      proxy.heal();
      assert.equal((await pull(set.id, other, proxy.endpoint)).status, 0);
      assert.deepEqual(ranges(), ['bytes=15000-', 'bytes=30000-']);
      assert.deepEqual(await filesIn(other), [...FILES, ...DESCRIPTIONS].sort());
      assert.equal((await readFile(join(other, FILES[0]!))).byteLength, whole);
    } finally {
      await proxy.close();
    }
  });

  it('goes on for as long as it gets ahead, and asks again for descriptions', async () => {
    const proxy = await startFaultProxy(server.url);
    try {
      const folder = newFolder();
      // More breaks than one bout of tries takes, each after some more bytes.
      proxy.inject({ kind: 'CUT', bytes: 4_000 }, { times: 9, matching: /000000\.tar/ });
      proxy.inject({ kind: 'RESET' }, { times: 2, matching: /croissant/ });
      const { status, errors } = await pull(set.id, folder, proxy.endpoint);
      assert.equal(status, 0, errors.join());
      assert.deepEqual(await filesIn(folder), [...FILES, ...DESCRIPTIONS].sort());
    } finally {
      await proxy.close();
    }
  });

  it('goes on with the most that earlier ones left, and leaves nothing of them', async () => {
    const whole = Buffer.from(set.contents['000000.tar'] as Buffer);
    const folder = newFolder();
    await mkdir(join(folder, 'shards'), { recursive: true });
    const digest = (set.files['000000.tar'] as { digest: string }).digest.slice(-16);
    // Of processes that are gone: no system gives such an id.
    for (const [pid, bytes] of [
      [2 ** 22 + 1, 300],
      [2 ** 22 + 2, 900],
      [2 ** 22 + 3, 400],
    ] as const) {
      const name = `.000000.tar.${digest}.${hostname().replace(/[^A-Za-z0-9-]/g, '-')}.${pid}-1.part`;
      await writeFile(join(folder, 'shards', name), whole.subarray(0, bytes));
    }
    server.ranges.length = 0;
    assert.equal((await pull(set.id, folder)).status, 0);
    assert.deepEqual(
      server.ranges.filter((range) => range !== undefined),
      ['bytes=900-'],
    );
    assert.deepEqual(await filesIn(folder), [...FILES, ...DESCRIPTIONS].sort());
  });

  it('may run several times at once into one folder', async () => {
    const proxy = await startFaultProxy(server.url);
    try {
      const folder = newFolder();
      // Each breaks off in the middle of a file, while the others are at it as well.
      proxy.inject({ kind: 'CUT', bytes: 15_000 }, { times: 3, matching: /000000\.tar/ });
      const outcomes = await Promise.all(Array.from({ length: 3 }, () => pull(set.id, folder, proxy.endpoint)));
      assert.deepEqual(
        outcomes.map(({ status, errors }) => [status, errors]),
        outcomes.map(() => [0, []]),
      );
      assert.deepEqual(await filesIn(folder), [...FILES, ...DESCRIPTIONS].sort());
    } finally {
      await proxy.close();
    }
  });

  it('mends a manifest that was damaged beside its shards, and leaves what is none of ours', async () => {
    const folder = newFolder();
    assert.equal((await pull(set.id, folder)).status, 0);
    await writeFile(join(folder, 'manifest.json'), '{');
    failed(
      await runTeddyhub(['verify', folder], { cwd: world.stateDir }),
      /manifest.json is damaged: pull the set again/,
    );
    assert.equal((await pull(set.id, folder)).status, 0);
    assert.equal((await runTeddyhub(['verify', folder], { cwd: world.stateDir })).status, 0);
    const foreign = newFolder();
    await mkdir(foreign);
    await writeFile(join(foreign, 'manifest.json'), '{');
    failed(await pull(set.id, foreign), /is not of this set: choose another folder/);
  });

  it('refuses a manifest that is not what its digest says, or that leads out of the folder', async () => {
    const seeded = await seedPublishedSet(world, project);
    const serve = async (manifest: object) => {
      const { key, digest } = await putByDigest(
        world.store,
        'distilled-sets',
        Buffer.from(JSON.stringify(manifest)),
        '.json',
      );
      await world.database.distilledSet.update({
        where: { id: seeded.id },
        data: { manifestKey: key, manifestDigest: digest },
      });
      return pull(seeded.id, newFolder());
    };
    failed(await serve({ ...seeded.manifest, seed: 2 }), /manifest\.json was changed: its content has the digest/);
    failed(await serve({ ...set.manifest }), /manifest\.json is of the set/);
    failed(await serve({ ...seeded.manifest, schemaVersion: 2 }), /has version 2, this Teddyhub reads 1: update it/);
    const { sampleCount: _, ...short } = seeded.manifest;
    failed(await serve(short), /manifest\.json is malformed at sampleCount/);
    const shards = seeded.manifest.shards.map((shard) => ({ ...shard, url: '../../escaped.tar' }));
    const escaping = { ...seeded.manifest, shards };
    failed(await serve({ ...escaping, digest: setDigest(escaping) }), /names "\.\.\/\.\.\/escaped\.tar"/);
  });

  it('finds service and key in the environment, or those of the embedded service', async () => {
    const to = ['--to', newFolder()];
    assert.equal((await teddyhub([set.id, ...to], { TEDDYHUB_URL: server.url, TEDDYHUB_KEY: 'viewer' })).status, 0);
    failed(await teddyhub([set.id, ...to, '--url', server.url]), /No API key: give --key or set TEDDYHUB_KEY/);
    const inStateDir = (name: string) => join(world.stateDir, '.teddyhub', name);
    await mkdir(inStateDir(''));
    await writeFile(inStateDir('admin-key'), 'viewer\n');
    const { pid, born } = self();
    await mkdir(inStateDir('services'));
    // At the port of a service that was killed somebody else may listen by now.
    await writeFile(inStateDir(`services/${pid}-1`), `${server.url}\n`);
    const takeBack = leaveServiceUrl(inStateDir(''), 'http://127.0.0.1:1');
    failed(await teddyhub([set.id, ...to, '--url', server.url]), /No API key: give --key or set TEDDYHUB_KEY/);
    assert.deepEqual(await readdir(inStateDir('services')), [`${pid}-${born}`]);
    takeBack();
    leaveServiceUrl(inStateDir(''), server.url);
    assert.equal((await teddyhub([set.id, ...to])).status, 0);
    const elsewhere = await teddyhub([set.id, ...to, '--url', 'http://teddyhub.invalid']);
    failed(elsewhere, /No API key: give --key or set TEDDYHUB_KEY\.$/);
  });

  it('names the address that a service has moved to, and sends it no request without the key', async () => {
    const moved = createServer((request, response) => {
      response.writeHead(301, { location: `${server.url}${request.url}` }).end();
    }).listen(0, '127.0.0.1');
    try {
      await once(moved, 'listening');
      const url = `http://127.0.0.1:${(moved.address() as AddressInfo).port}`;
      const before = server.requests.length;
      for (const prefix of ['', '/teddyhub/']) {
        const there = `${server.url}${prefix.replace(/\/$/, '')}`;
        failed(
          await pull(set.id, newFolder(), `${url}${prefix}`),
          new RegExp(`^teddyhub: ${url} sends everything on to ${there}: give that as --url \\(TEDDYHUB_URL\\)\\.$`),
        );
      }
      assert.equal(server.requests.length, before);
    } finally {
      moved.close();
    }
  });

  it('ends in one line where it cannot go on', async () => {
    const folder = newFolder();
    const withKey = (key: string, url = server.url) => teddyhub([set.id, '--to', folder, '--url', url, '--key', key]);
    failed(await withKey('wrong'), /API key is unknown or was revoked/);
    const gone = await serveDataPlane(world, keys);
    await gone.close();
    failed(
      await withKey('viewer', 'http://127.0.0.1:1'),
      /^teddyhub: http:\/\/127\.0\.0\.1:1 has a port that HTTP may not use: check --url\.$/,
    );
    failed(await withKey('viewer', gone.url), /No complete answer from http:\S+ \(ECONNREFUSED\): check --url/);
    failed(await withKey('viewer', 'nowhere'), /nowhere is not the URL of a service/);
    failed(await pull('nothing', folder), /There is no DistilledSet with the id nothing/);
    const staging = await seedPublishedSet(world, project, 'STAGING');
    failed(await pull(staging.id, folder), /not published yet: publish it/);
    await writeFile(join(world.stateDir, 'a-file'), '');
    failed(
      await pull(set.id, join(world.stateDir, 'a-file')),
      /cannot be written \((?:ENOTDIR|EEXIST)\): choose another folder/,
    );
    await assert.rejects(readdir(folder), { code: 'ENOENT' });
  });
});
