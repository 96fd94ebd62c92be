import 'reflect-metadata';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { makeToken } from '../../src/modules/set-token/secret.js';
import { digestOf, type ObjectStore } from '../../src/platform/object-store/object-store.js';
import { openObjectStore } from '../../src/platform/object-store/open-object-store.js';
import { CLASSES, HEIGHT, labelOf, WIDTH } from '../support/publish-inputs.js';
import { type DataPlaneServer, serveDataPlane } from '../support/published-set.js';
import { runReader } from '../support/python.js';
import { type RealSet, seedRealSet } from '../support/real-set.js';
import type { S3Server } from '../support/s3-server.js';
import { startSeaweedfs } from '../support/seaweedfs.js';
import { seedProject } from '../support/seeds.js';
import { createWorld, type World } from '../support/world.js';

const execute = promisify(execFile);

/** The labels of the set, by the order in which its two tasks made them. */
const labels = (total: number) => Array.from({ length: total }, (_, i) => labelOf(i < 612 ? i : i - 612));
const keysOf = (total: number) => Array.from({ length: total }, (_, i) => String(i).padStart(6, '0'));

describe('a published set', () => {
  let world: World;
  let s3: S3Server;
  let bucket: ObjectStore;
  const planes: Record<string, { server: DataPlaneServer; set: RealSet; token: string }> = {};

  const open = async (name: string, store: ObjectStore) => {
    const parts = { database: world.database, store };
    const set = await seedRealSet(parts, await seedProject(world.database));
    const { token, prefix, secretHash } = makeToken();
    const expiresAt = new Date(Date.now() + 3_600_000);
    const distilledSetId = set.manifest.id;
    await world.database.distilledSetToken.create({
      data: { distilledSetId, name: 'readers', prefix, secretHash, expiresAt },
    });
    planes[name] = { server: await serveDataPlane(parts, {}), set, token };
  };
  before(async () => {
    [world, s3] = await Promise.all([createWorld(), startSeaweedfs()]);
    bucket = await openObjectStore(s3.config('readers'));
    await open('by itself', world.store);
    await open('by redirects', bucket);
  });
  after(async () => {
    for (const { server } of Object.values(planes)) await server.close();
    await s3?.close();
    await world?.close();
  });

  for (const way of ['by itself', 'by redirects']) {
    describe(`that is sent ${way}`, () => {
      const urlOf = (path: string, user = '') => {
        const { server, set } = planes[way]!;
        return `${server.url.replace('://', `://${user}`)}/v1/distilled-sets/${set.manifest.id}/${path}`;
      };
      const withPassword = (path: string) => urlOf(path, `any:${planes[way]!.token}@`);
      const withQuery = (path: string) => `${urlOf(path)}?token=${planes[way]!.token}`;

      it('comes whole and in parts by curl, with the token in a header or in the URL', async () => {
        const { set, token } = planes[way]!;
        const [shard] = set.manifest.shards;
        const curl = async (...args: string[]) =>
          (await execute('curl', ['-sS', '-f', '-L', ...args], { encoding: 'buffer', maxBuffer: 1 << 26 })).stdout;
        const ways = [
          ['-H', `Authorization: Bearer ${token}`, urlOf('shards/000000.tar')],
          ['-u', `any:${token}`, urlOf('shards/000000.tar')],
          [withPassword('shards/000000.tar')],
          [withQuery('shards/000000.tar')],
        ];
        for (const args of ways) assert.equal(digestOf(await curl(...args)), shard?.sha256);
        const whole = await curl(withQuery('shards/000000.tar'));
        assert.ok((await curl('-r', '1000-1999', withQuery('shards/000000.tar'))).equals(whole.subarray(1_000, 2_000)));
        const head = (await curl('-I', withQuery('shards/000000.tar'))).toString();
        assert.match(head, new RegExp(`content-length: ${whole.length}\\b`, 'i'));
        assert.match(head, /content-type: application\/x-tar/i);
      });

      it('comes by plain urllib, which knows nothing but a URL', async () => {
        const script = `import sys, urllib.request, hashlib
print("sha256:" + hashlib.sha256(urllib.request.urlopen(sys.argv[1]).read()).hexdigest())`;
        const { set } = planes[way]!;
        for (const { url, sha256 } of [
          ...set.manifest.shards,
          ...set.manifest.labelModes.flatMap(({ files }) => files),
        ]) {
          const { stdout } = await execute('python3', ['-c', script, withQuery(url)]);
          assert.equal(stdout.trim(), sha256, url);
        }
      });

      it('says in Croissant what mlcroissant finds valid, and reads', { timeout: 600_000 }, async () => {
        const { set } = planes[way]!;
        const document = await fetch(withQuery('croissant.json'));
        assert.match(document.headers.get('content-type') ?? '', /^application\/ld\+json/);
        const croissant = (await document.json()) as {
          distribution: { '@id': string; contentUrl?: string; sha256?: string }[];
        };
        const files = croissant.distribution.filter((file) => file.contentUrl !== undefined);
        const named = [...set.manifest.shards, ...set.manifest.labelModes.flatMap((mode) => mode.files)];
        assert.deepEqual(
          files.map((file) => [file['@id'], file.contentUrl, `sha256:${file.sha256}`]),
          named.map(({ url, sha256 }) => [url, urlOf(url), sha256]),
        );
        const folder = join(world.stateDir, `copy-${way.replaceAll(' ', '-')}`);
        for (const { url } of named) {
          await mkdir(dirname(join(folder, url)), { recursive: true });
          await writeFile(join(folder, url), Buffer.from(await (await fetch(withQuery(url))).arrayBuffer()));
        }
        const { relativeCroissant } = await import('../../src/formats/descriptions/croissant.js');
        await writeFile(join(folder, 'croissant.json'), relativeCroissant(Buffer.from(JSON.stringify(croissant))));
        const read = await runReader<Record<string, unknown>>(
          'read_croissant.py',
          withQuery('croissant.json'),
          folder,
          planes[way]!.token,
        );
        const total = set.inputs.total;
        assert.deepEqual(read.errors, []);
        // The set of this test has no licence.
        assert.ok(
          (read.warnings as string[]).every((warning) => /license|citeAs/.test(warning)),
          String(read.warnings),
        );
        assert.deepEqual(read.classes, ['boot', 'coat', 'été']);
        assert.deepEqual([read.keys, read.label_keys], [keysOf(total), keysOf(total)]);
        assert.deepEqual(read.sizes, [[WIDTH, HEIGHT]]);
        assert.deepEqual([read.labels, read.remote_labels], [labels(total), labels(total)]);
      });

      it('is read by webdataset and by datasets from its URLs', { timeout: 600_000 }, async () => {
        const { set } = planes[way]!;
        const urls = set.manifest.shards.map(({ url }) => url);
        const read = await runReader<Record<string, unknown>>(
          'read_shards.py',
          urls.map(withPassword).join(' '),
          urls.map(withQuery).join(' '),
        );
        const total = set.inputs.total;
        assert.deepEqual([read.keys, read.row_keys], [keysOf(total), keysOf(total)]);
        assert.deepEqual([read.labels, read.row_labels], [labels(total), labels(total)]);
        assert.deepEqual([read.sizes, read.classes], [[[WIDTH, HEIGHT]], [CLASSES]]);
        assert.deepEqual(read.row_names, ['boot', 'coat', 'été']);
        const { pixels, logits } = set.inputs;
        const bytesOf = ({ buffer, byteOffset, byteLength }: Uint8Array | Uint16Array) =>
          new Uint8Array(buffer, byteOffset, byteLength);
        assert.deepEqual([read.pixels, read.row_pixels], [digestOf(pixels), digestOf(pixels)]);
        assert.equal(read.logits, digestOf(bytesOf(logits)));
      });

      it('is indexed for wids, with every shard below the index', async () => {
        const { set } = planes[way]!;
        const index = (await (await fetch(withQuery('wids.json'))).json()) as Record<string, unknown>;
        assert.deepEqual(
          [index.__kind__, index.wids_version, index.name],
          ['wids-shard-index-v1', 1, set.manifest.name],
        );
        const expected = set.manifest.shards.map(({ url, bytes, samples, sha256 }) => ({
          url,
          filesize: bytes,
          nsamples: samples,
          sha256,
        }));
        assert.deepEqual(index.shardlist, expected);
      });
    });
  }
});
