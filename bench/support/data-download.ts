/**
 * What trainers get: a set's shards by way of the data plane, which redirects to presigned URLs, beside the same client taking
 * the same objects from the object server directly; and the bytes of labels in every mode.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { encodeLabels, type LabelledViews } from '../../src/formats/labels.js';
import { encodeSafetensors } from '../../src/formats/safetensors.js';
import { FileSender } from '../../src/http/data-plane/send.js';
import { digestOf, type ObjectStore } from '../../src/platform/object-store/object-store.js';
import { openObjectStore } from '../../src/platform/object-store/open-object-store.js';
import { startSeaweedfs } from '../../tests/support/seaweedfs.js';
import { quantile, rounded } from './report.js';

const SHARDS = 8;
const SHARD_BYTES = 32 * 2 ** 20;
const ROUNDS = 7;

export interface DataDownload {
  download: {
    bytes: number;
    rounds: number;
    /** Medians. */
    directMegabytesPerSecond: number;
    presignedMegabytesPerSecond: number;
    /** Median over the rounds of presigned / direct, each pair taken one right after the other. */
    ratio: number;
  };
  labels: { classes: number; views: number; mode: string; bytesPerView: number }[];
}

export const measureDownloads = async (): Promise<DataDownload> => ({
  download: await compareDownloads(),
  labels: [10, 100, 1000].flatMap(labelBytes),
});

async function compareDownloads(): Promise<DataDownload['download']> {
  const server = await startSeaweedfs();
  try {
    const store = await openObjectStore(server.config('download'));
    const shards = await makeShards(store);
    const plane = await servePlane(store, shards);
    try {
      const direct = async () => Promise.all(shards.map(async ({ key }) => (await store.presign(key, 600)) ?? ''));
      const byPlane = shards.map((_, index) => `${plane.url}/${index}`);
      const [straight, redirected, ratios]: number[][] = [[], [], []];
      await fetchAll(byPlane);
      for (let round = 0; round < ROUNDS; round++) {
        // Who goes first takes turns.
        const first = round % 2 === 0;
        const a = first ? await fetchAll(await direct()) : await fetchAll(byPlane);
        const b = first ? await fetchAll(byPlane) : await fetchAll(await direct());
        const [one, other] = first ? [a, b] : [b, a];
        straight?.push(one);
        redirected?.push(other);
        ratios?.push(one / other);
      }
      const bytes = SHARDS * SHARD_BYTES;
      const speed = (seconds: readonly number[] = []) => rounded(bytes / 1e6 / quantile(seconds, 0.5));
      return {
        bytes,
        rounds: ROUNDS,
        directMegabytesPerSecond: speed(straight),
        presignedMegabytesPerSecond: speed(redirected),
        ratio: rounded(quantile(ratios ?? [], 0.5)),
      };
    } finally {
      await plane.close();
    }
  } finally {
    await server.close();
  }
}

interface Shard {
  key: string;
  digest: string;
  bytes: number;
}

async function makeShards(store: ObjectStore): Promise<Shard[]> {
  const shards: Shard[] = [];
  for (let index = 0; index < SHARDS; index++) {
    const bytes = randomBytes(SHARD_BYTES);
    const shard = { key: `distilled-sets/${index}.tar`, digest: digestOf(bytes), bytes: bytes.byteLength };
    await store.put(shard.key, bytes, shard.digest);
    shards.push(shard);
  }
  return shards;
}

/** The part of the data plane that sends files, on a port of its own. */
async function servePlane(store: ObjectStore, shards: readonly Shard[]) {
  const files = new FileSender(store);
  const app = express();
  app.get('/:index', async (request, response) => {
    const shard = shards[Number(request.params.index)];
    if (shard === undefined) return void response.status(404).end();
    await files.send(request, response, { ...shard, what: 'A shard', type: 'application/x-tar' });
  });
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** One after the other, with their digests, as a client takes them; answers the seconds. */
async function fetchAll(urls: readonly string[]): Promise<number> {
  const began = performance.now();
  for (const url of urls) {
    const answer = await fetch(url);
    if (answer.status !== 200 || answer.body === null) throw new Error(`${url} answers ${answer.status}`);
    const hash = createHash('sha256');
    for await (const chunk of answer.body) hash.update(chunk as Uint8Array);
    hash.digest();
  }
  return (performance.now() - began) / 1000;
}

const [STEPS, BATCH] = [100, 100];

/** What one file of each mode takes, over the views that it labels. Sizes do not depend on the values. */
function labelBytes(classes: number): DataDownload['labels'] {
  const batch: LabelledViews = {
    sample: new Int32Array(BATCH),
    box: new Float32Array(4 * BATCH),
    flip: new Uint8Array(BATCH),
    partner: new Int32Array(BATCH),
    mixBox: new Int32Array(4),
    lambda: 1,
    logits: new Uint16Array(BATCH * classes),
  };
  const batches = Array.from({ length: STEPS }, () => batch);
  const views = STEPS * BATCH;
  const row = (mode: string, bytes: Buffer) => ({ classes, views, mode, bytesPerView: rounded(bytes.length / views) });
  const logits = { dtype: 'F16', shape: [views, classes], data: new Uint16Array(views * classes) } as const;
  return [
    row('STATIC', encodeSafetensors({ logits })),
    row('FKD', encodeLabels(batches, 0, 0)),
    row('FKD, the 5 largest', encodeLabels(batches, 0, 5)),
  ];
}
