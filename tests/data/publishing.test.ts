import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { TeddyhubError } from '../../src/domain/errors.js';
import { JOB_CONTRACTS, type JobResult } from '../../src/domain/jobs/contracts.js';
import { manifestSchema, setDigest } from '../../src/domain/manifest.js';
import { readDistilledShards } from '../../src/formats/distilled-shards.js';
import { floatsOf } from '../../src/formats/float16.js';
import { decodePng } from '../../src/formats/png.js';
import { previewGrid } from '../../src/formats/preview.js';
import { encodeSafetensors } from '../../src/formats/safetensors.js';
import { type ObjectStore, putByDigest } from '../../src/platform/object-store/object-store.js';
import { openObjectStore } from '../../src/platform/object-store/open-object-store.js';
import { publish, samplesPerShard } from '../../workers/jobs/publishing.js';
import {
  CLASSES,
  HEIGHT,
  type Inputs,
  labelOf,
  makeInputs,
  type Payload,
  payloadOf,
  SIZE,
  WIDTH,
} from '../support/publish-inputs.js';
import { recordedContext } from '../support/recorded-context.js';

const shardRefs = ({ shards }: JobResult<'PUBLISHING'>) => shards.map(({ name: _name, ...shard }) => shard);

describe('publishing a distilled set', () => {
  let folder: string;
  let store: ObjectStore;
  let inputs: Inputs;
  let result: JobResult<'PUBLISHING'>;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'teddyhub-publishing-'));
    store = await openObjectStore({ kind: 'folder', path: join(folder, 'objects') });
    inputs = await makeInputs(store);
    result = JOB_CONTRACTS.PUBLISHING.result.parse(await publish(payloadOf(inputs), recordedContext(store)));
  });
  after(() => rm(folder, { recursive: true }));

  it('cuts shards of 1,000 samples', () => {
    assert.deepEqual(
      result.shards.map(({ name, samples }) => [name, samples]),
      [
        ['000000.tar', 1000],
        ['000001.tar', 212],
      ],
    );
    assert.equal(result.samples, inputs.total);
  });

  it('cuts smaller shards of large images, which no object could hold', () => {
    const of = (side: number, classes = 10) => samplesPerShard({ height: side, width: side, channels: 3 }, classes);
    assert.deepEqual([of(32), of(224), of(1024), of(2048), of(32, 2 ** 20)], [1000, 1000, 341, 85, 511]);
    assert.ok(of(2048) * 2048 ** 2 * 3 < 2 ** 31);
  });

  it('makes the same digests again, and writes nothing for them', async () => {
    const written: string[] = [];
    const watched: ObjectStore = { ...store, put: async (key) => void written.push(key) };
    assert.deepEqual(await publish(payloadOf(inputs), recordedContext(watched)), result);
    assert.deepEqual(written, []);
  });

  it('writes the manifest last', async () => {
    const emptyStore = await openObjectStore({ kind: 'folder', path: join(folder, 'order') });
    const payload = payloadOf(await makeInputs(emptyStore));
    const written: string[] = [];
    const put = async (key: string, bytes: Uint8Array) => {
      written.push(key);
      await emptyStore.put(key, bytes);
    };
    await publish(payload, recordedContext({ ...emptyStore, put }));
    assert.deepEqual(written, [...result.shards.map(({ key }) => key), result.manifest.key]);
  });

  it('tells its progress without ever going back, up to the end', async () => {
    const context = recordedContext(store);
    await publish(payloadOf(inputs), context);
    const steps = context.steps.map(({ step }) => step);
    assert.deepEqual(
      steps,
      [...steps].sort((a, b) => a - b),
    );
    assert.deepEqual(context.steps.at(-1), { step: inputs.total, totalSteps: inputs.total });
  });

  it('writes tars that the tar of the system reads', async () => {
    const path = join(folder, 'shard.tar');
    await writeFile(path, await store.get(result.shards[1]?.key ?? ''));
    const tar = async (...args: string[]) => (await promisify(execFile)('tar', args, { cwd: folder })).stdout;
    const names = (await tar('-tf', path)).trim().split('\n');
    assert.equal(names.length, 212 * 4);
    assert.deepEqual(names.slice(0, 4), ['001000.cls', '001000.json', '001000.png', '001000.soft.npy']);
    assert.equal(await tar('-xOf', path, '001000.cls'), String(labelOf(1000 - 51 * 12)));
    assert.deepEqual(JSON.parse(await tar('-xOf', path, '001211.json')), {
      label: 2,
      className: 'été',
      slot: 100,
      cell: 3,
    });
  });

  it('gives back every pixel, label and static logit', async () => {
    const set = await readDistilledShards(store, shardRefs(result));
    assert.deepEqual([set.count, set.height, set.width, set.channels], [inputs.total, HEIGHT, WIDTH, 1]);
    assert.deepEqual(set.images, inputs.pixels);
    assert.deepEqual(
      set.labels,
      Int32Array.from({ length: inputs.total }, (_, i) => labelOf(i)),
    );
    assert.deepEqual(set.staticLogits, floatsOf(inputs.logits));
  });

  it('counts the slots of every class, where tasks made some of the classes each', async () => {
    const ownStore = await openObjectStore({ kind: 'folder', path: join(folder, 'by-class') });
    const tasks = [
      [0, 2],
      [1, 1],
      [2, 0],
      [1, 1],
    ];
    const images = await Promise.all(
      tasks.map((labels, task) => {
        const data = new Uint8Array(2 * SIZE).fill(task);
        const file = encodeSafetensors({
          images: { dtype: 'U8', shape: [2, HEIGHT, WIDTH, 1], data },
          labels: { dtype: 'I32', shape: [2], data: Int32Array.from(labels) },
        });
        return putByDigest(ownStore, 'synthetic', file, '.safetensors');
      }),
    );
    const logits = { dtype: 'F16', shape: [8, CLASSES], data: new Uint16Array(8 * CLASSES) } as const;
    const labels = await putByDigest(ownStore, 'labels', encodeSafetensors({ logits }), '.safetensors');
    const payload = payloadOf({ ...inputs, images, static: labels });
    const shape = { height: HEIGHT, width: WIDTH, channels: 1 };
    const dataset = { ...payload.dataset, shape };
    const whole = { ...payload, dataset, synthesis: { ...payload.synthesis, formation: 1 as const } };
    const { shards } = await publish(whole, recordedContext(ownStore));
    const path = join(folder, 'by-class.tar');
    await writeFile(path, await ownStore.get(shards[0]?.key ?? ''));
    const about = await Promise.all(
      Array.from({ length: 8 }, async (_, i) => {
        const { stdout } = await promisify(execFile)('tar', ['-xOf', path, `00000${i}.json`]);
        const { label, slot, cell } = JSON.parse(stdout) as Record<string, number>;
        return [label, slot, cell];
      }),
    );
    assert.deepEqual(about, [
      [0, 0, 0],
      [2, 0, 0],
      [1, 0, 0],
      [1, 1, 0],
      [2, 1, 0],
      [0, 1, 0],
      [1, 2, 0],
      [1, 3, 0],
    ]);
  });

  it('describes itself in a manifest that names every file by its digest', async () => {
    const bytes = await store.get(result.manifest.key);
    const manifest = manifestSchema.parse(JSON.parse(bytes.toString()));
    assert.equal(manifest.digest, result.digest);
    assert.equal(setDigest(manifest), result.digest);
    assert.deepEqual(
      manifest.shards,
      result.shards.map(({ name, digest, bytes, samples }) => ({
        url: `shards/${name}`,
        sha256: digest,
        bytes,
        samples,
      })),
    );
    assert.deepEqual(
      manifest.labelModes.map(({ mode, files }) => [mode, files.map(({ url }) => url)]),
      [
        ['STATIC', ['labels/static.safetensors']],
        ['FKD', ['labels/fkd-000000.safetensors']],
      ],
    );
    assert.deepEqual(
      [
        manifest.recipe.steps,
        manifest.recipe.batchSize,
        manifest.recipe.architecture.width,
        manifest.recipe.learningRate,
      ],
      [40, 20, 8, 0.01],
    );
  });

  it('has a digest that names and ids do not change, and pixels do', async () => {
    const digestWith = async (payload: Payload) => (await publish(payload, recordedContext(store))).digest;
    const renamed = payloadOf(inputs, {
      runId: '018f0000-0000-7000-8000-000000000003',
      distilledSetId: '018f0000-0000-7000-8000-000000000004',
      name: 'second',
    });
    assert.equal(await digestWith(renamed), result.digest);
    assert.notEqual(await digestWith(payloadOf(await makeInputs(store, 1))), result.digest);
  });

  it('refuses labels that are not of these images: of more, of fewer, and images of another size', async () => {
    const [first, second] = inputs.images as [Payload['images'][number], Payload['images'][number]];
    for (const images of [[second], [first, second, second]]) {
      const other = payloadOf(inputs, { images });
      await assert.rejects(publish(other, recordedContext(store)), isCorrupt(inputs.static.key));
    }
    const payload = payloadOf(inputs);
    const larger = { ...payload, dataset: { ...payload.dataset, shape: { height: 9, width: 14, channels: 1 } } };
    await assert.rejects(publish(larger, recordedContext(store)), isCorrupt(first.key));
  });

  it('draws a grid of its samples, one row a class', () => {
    const shape = { height: HEIGHT, width: WIDTH, channels: 1 };
    const labels = Int32Array.from({ length: inputs.total }, (_, i) => labelOf(i));
    const { pixels, shape: grid } = decodePng(previewGrid(inputs.pixels, labels, shape, 5, 2));
    assert.deepEqual(grid, { height: CLASSES * (HEIGHT * 2 + 1) + 1, width: 5 * (WIDTH * 2 + 1) + 1, channels: 1 });
    // Class 1's first sample is the fifth of the set; its last pixel fills the two by two at the end of its place.
    const at = (y: number, x: number) => pixels[y * grid.width + x];
    assert.equal(at(2 * (HEIGHT * 2 + 1) - 1, WIDTH * 2), inputs.pixels[5 * SIZE - 1]);
    assert.equal(at(2 * (HEIGHT * 2 + 1) - 2, WIDTH * 2 - 1), inputs.pixels[5 * SIZE - 1]);
    assert.equal(at(2 * (HEIGHT * 2 + 1), WIDTH * 2), 255);
  });

  it('refuses a shard whose bytes were changed, by name', async () => {
    const damaged = result.shards[1]?.key ?? '';
    const bytes = await store.get(damaged);
    bytes[2000] = (bytes[2000] ?? 0) ^ 1;
    await store.put(damaged, bytes);
    await assert.rejects(readDistilledShards(store, shardRefs(result)), isCorrupt(damaged));
  });
});

const isCorrupt = (name: string) => (error: unknown) =>
  error instanceof TeddyhubError && error.code === 'OBJECT_CORRUPT' && error.message.includes(name);
