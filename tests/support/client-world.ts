/** A real API with sets that a client can go wrong and right with: what the tests of the Python client are told. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeToken } from '../../src/modules/set-token/secret.js';
import type { ObjectStore } from '../../src/platform/object-store/object-store.js';
import { openObjectStore } from '../../src/platform/object-store/open-object-store.js';
import { openApi, type TestApi } from '../api/server.js';
import { type SeededSet, seedPublishedSet } from './published-set.js';
import { environmentOf } from './s3-server.js';
import { startSeaweedfs } from './seaweedfs.js';
import { seedProject } from './seeds.js';
import { type TrainableOptions, trainableSet } from './trainable-set.js';
import type { World } from './world.js';

const common = { classes: 3, samplesPerClass: 8, batchSize: 6, stepsPerFile: 4, files: 2 } as const;

/** Between them: cells that are resized, both mixes and none, every stored form of logits, grey and colour, odd sizes. */
const SETS = {
  cutmix: {
    ...common,
    shape: { height: 16, width: 20, channels: 3 },
    stored: { height: 8, width: 10 },
    labels: { cropScaleMin: 0.2, flip: true, mix: 'CUTMIX', topK: 0 },
  },
  mixup: {
    ...common,
    shape: { height: 13, width: 13, channels: 1 },
    stored: { height: 13, width: 13 },
    labels: { cropScaleMin: 0.5, flip: true, mix: 'MIXUP', topK: 2 },
  },
  plain: {
    ...common,
    shape: { height: 12, width: 9, channels: 1 },
    stored: { height: 12, width: 9 },
    labels: { cropScaleMin: 1, flip: false, mix: 'NONE', topK: 0 },
  },
} as const satisfies Record<string, TrainableOptions>;

export interface ClientWorld {
  /** As JSON: addresses, keys, sets by name, paths of goldens. */
  context: Record<string, unknown>;
  close(): Promise<void>;
}

/** One API over a folder, which sends bytes itself; another over S3, which redirects. */
export async function openClientWorld(): Promise<ClientWorld> {
  const s3 = await startSeaweedfs();
  const closers: (() => Promise<void>)[] = [s3.close];
  try {
    const folder = await openApi();
    closers.unshift(folder.close);
    const config = s3.config('client');
    const redirecting = await openApi(environmentOf(config));
    closers.unshift(redirecting.close);
    const bucket = await openObjectStore(config);
    const context = {
      folder: { url: folder.url, key: folder.keys.VIEWER, sets: await seedSets(folder, folder.world.store) },
      redirecting: { url: redirecting.url, key: redirecting.keys.VIEWER, sets: await seedSets(redirecting, bucket) },
    };
    return { context, close: () => closeAll(closers) };
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

async function closeAll(closers: readonly (() => Promise<void>)[]): Promise<void> {
  for (const close of closers) await close();
}

/** A token for one set. */
async function newToken({ database }: World, distilledSetId: string): Promise<string> {
  const { token, prefix, secretHash } = makeToken();
  const expiresAt = new Date(Date.now() + 3_600_000);
  await database.distilledSetToken.create({
    data: { distilledSetId, name: 'training job', prefix, secretHash, expiresAt },
  });
  return token;
}

async function seedSets({ world, project }: TestApi, store: ObjectStore) {
  const parts = { database: world.database, store };
  const told = ({ id, globalId, manifest, files }: SeededSet) => ({ id, globalId, name: manifest.name, files });
  const sets: Record<string, unknown> = {};
  for (const [name, options] of Object.entries(SETS)) {
    const folder = join(world.stateDir, name);
    await mkdir(folder);
    const { content, golden, testFolder } = await trainableSet(folder, options);
    const path = join(folder, 'golden.safetensors');
    await writeFile(path, golden);
    const seeded = await seedPublishedSet(parts, project, 'PUBLISHED', content);
    sets[name] = { ...told(seeded), golden: path, testFolder, token: await newToken(world, seeded.id) };
    if (name !== 'plain') continue;
    sets.staging = told(await seedPublishedSet(parts, project, 'STAGING', content));
    sets.foreign = told(await seedPublishedSet(parts, await seedProject(world.database), 'PUBLISHED', content));
  }
  const damaged = await seedPublishedSet(parts, project);
  const shard = damaged.files['000001.tar'];
  if (shard !== undefined) await store.put(shard.key, Buffer.alloc(shard.bytes, 'changed'));
  sets.damaged = told(damaged);
  sets.arbitrary = told(await seedPublishedSet(parts, project));
  return sets;
}
