/** A distilled set as rows and objects, with a manifest that is true; and the data plane in front of it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import type { z } from 'zod';
import { architectureConfig } from '../../src/domain/config/architecture.js';
import { recipeConfig } from '../../src/domain/config/evaluation.js';
import { labelConfig, synthesisConfig } from '../../src/domain/config/run.js';
import { TeddyhubError } from '../../src/domain/errors.js';
import { newId } from '../../src/domain/ids.js';
import type { NamedFileRef, ObjectRef } from '../../src/domain/jobs/references.js';
import { MANIFEST_VERSION, type Manifest, manifestBytes, NORMALIZATION, setDigest } from '../../src/domain/manifest.js';
import type { Viewer } from '../../src/domain/viewer.js';
import { dataPlaneRouter } from '../../src/http/data-plane.js';
import { SetTokenRepository } from '../../src/modules/set-token/set-token.repository.js';
import { TokenAuthenticator } from '../../src/modules/set-token/token-authenticator.js';
import type { Database } from '../../src/platform/database/client.js';
import type {
  DistillationRun,
  DistilledSetState,
  LabelMode,
  Project,
} from '../../src/platform/database/generated/client.js';
import { type ObjectStore, putByDigest } from '../../src/platform/object-store/object-store.js';
import { seedDataset, seedPool, seedRun, someDigest } from './seeds.js';

export interface SeededSet {
  id: string;
  globalId: string;
  manifest: Manifest;
  /** By name, as the manifest's URLs end. */
  files: Record<string, NamedFileRef>;
  contents: Record<string, Buffer>;
}

/** The files of a set, and what its manifest says beside them. */
export interface SetContent {
  shards: { name: string; bytes: Buffer; samples: number }[];
  labels: Record<'STATIC' | 'FKD', { name: string; bytes: Buffer }[]>;
  manifest?: Partial<Manifest>;
  /** Changes of the default recipe. */
  recipe?: z.input<typeof recipeConfig>;
}

/** Two shards and two label files of arbitrary bytes: who serves and who pulls them does not look inside. */
function arbitraryContent(salt: string): SetContent {
  const file = (name: string, size: number) => ({ name, bytes: Buffer.alloc(size, `${name} of ${salt};`) });
  return {
    shards: [
      { ...file('000000.tar', 40_000), samples: 4 },
      { ...file('000001.tar', 10_240), samples: 4 },
    ],
    labels: { STATIC: [file('static.safetensors', 500)], FKD: [file('fkd-000000.safetensors', 3_000)] },
  };
}

export async function seedPublishedSet(
  { database, store }: { database: Database; store: ObjectStore },
  project: Project,
  state: DistilledSetState = 'PUBLISHED',
  given?: SetContent,
): Promise<SeededSet> {
  const run = await seedRun(database, await seedPool(database, await seedDataset(database, project)));
  const id = newId();
  const content = given ?? arbitraryContent(id);
  const contents: Record<string, Buffer> = {};
  const put = async (name: string, folder: 'distilled-sets' | 'labels', bytes: Buffer): Promise<NamedFileRef> => {
    contents[name] = bytes;
    return { ...(await putByDigest(store, folder, bytes, '.bin')), name };
  };
  const putAll = (folder: 'distilled-sets' | 'labels', files: readonly { name: string; bytes: Buffer }[]) =>
    Promise.all(files.map(({ name, bytes }) => put(name, folder, bytes)));
  const shards = await putAll('distilled-sets', content.shards);
  const labels = {
    STATIC: await putAll('labels', content.labels.STATIC),
    FKD: await putAll('labels', content.labels.FKD),
  };
  const manifest = describe(id, run.name, run.id, content, { shards, labels });
  const stored = await putByDigest(store, 'distilled-sets', manifestBytes(manifest), '.json');
  await insertSet(database, run, state, { manifest, stored, shards, labels });
  const files = Object.fromEntries([...shards, ...labels.STATIC, ...labels.FKD].map((file) => [file.name, file]));
  return { id, globalId: Buffer.from(`DistilledSet:${id}`).toString('base64url'), manifest, files, contents };
}

/** The rows of a set, as the end of a run leaves them; and published where `state` says so. */
export async function insertSet(
  database: Database,
  run: DistillationRun,
  state: DistilledSetState,
  set: {
    manifest: Manifest;
    stored: ObjectRef;
    shards: readonly NamedFileRef[];
    labels: Record<LabelMode, readonly NamedFileRef[]>;
  },
): Promise<void> {
  const { manifest, stored, shards, labels } = set;
  const row = ({ key, digest, bytes, name }: NamedFileRef, index: number) => ({
    index,
    name,
    objectKey: key,
    digest,
    bytes,
  });
  await database.distilledSet.create({
    data: {
      id: manifest.id,
      projectId: run.projectId,
      runId: run.id,
      name: manifest.name,
      state,
      publishedAt: state === 'STAGING' ? null : new Date(),
      imagesPerClass: manifest.imagesPerClass,
      sampleCount: manifest.sampleCount,
      digest: manifest.digest,
      manifestKey: stored.key,
      manifestDigest: stored.digest,
      shards: {
        create: shards.map((shard, index) => ({
          ...row(shard, index),
          samples: manifest.shards[index]?.samples ?? 0,
        })),
      },
      labelSets: {
        create: (['STATIC', 'FKD'] as const).map((mode) => ({
          mode,
          config: {},
          files: { create: labels[mode].map(row) },
        })),
      },
    },
  });
}

function describe(
  id: string,
  name: string,
  runId: string,
  content: SetContent,
  files: { shards: readonly NamedFileRef[]; labels: Record<'STATIC' | 'FKD', readonly NamedFileRef[]> },
): Manifest {
  const shape = { height: 8, width: 8, channels: 1 };
  const architecture = architectureConfig.parse({});
  const teacher = {
    index: 0,
    kind: 'EARLY_EPOCH',
    architecture,
    epoch: 1,
    accuracy: 50,
    sha256: someDigest(),
  } as const;
  const fileOf = (folder: string, file: NamedFileRef) => ({
    url: `${folder}/${file.name}`,
    sha256: file.digest,
    bytes: file.bytes,
  });
  const modeOf = (mode: 'STATIC' | 'FKD'): Manifest['labelModes'][number] => ({
    mode,
    dtype: 'float16',
    values: 'logits',
    loss: 'KL',
    temperature: 4,
    scaleByTemperatureSquared: false,
    files: files.labels[mode].map((file) => fileOf('labels', file)),
  });
  const described: Omit<Manifest, 'digest'> = {
    schemaVersion: MANIFEST_VERSION,
    id,
    name,
    classNames: ['left', 'right'],
    imageShape: shape,
    fullImageShape: shape,
    formation: 1,
    imagesPerClass: 4,
    sampleCount: content.shards.reduce((sum, { samples }) => sum + samples, 0),
    pixelEncoding: 'uint8',
    mean: [0.5],
    std: [0.25],
    normalization: NORMALIZATION,
    labelModes: [modeOf('STATIC'), modeOf('FKD')],
    architecture,
    teachers: [{ ...teacher, statisticsSha256: someDigest() }],
    labelTeachers: [teacher],
    synthesis: synthesisConfig.parse({}),
    labels: labelConfig.parse({}),
    seed: 1,
    recipe: recipeConfig.parse({ ...content.recipe }),
    licence: null,
    lineage: { runId, datasetName: 'dataset', datasetDigest: someDigest() },
    shards: files.shards.map((shard, i) => ({
      ...fileOf('shards', shard),
      samples: content.shards[i]?.samples ?? 0,
    })),
    ...content.manifest,
  };
  return { ...described, digest: setDigest(described) };
}

export interface DataPlaneServer {
  url: string;
  /** Paths of the requests so far. */
  requests: string[];
  /** Their ranges, in the same order. */
  ranges: (string | undefined)[];
  close(): Promise<void>;
}

/** The data plane on a port of its own; `keys` are the only ones it knows. */
export async function serveDataPlane(
  parts: { database: Database; store: ObjectStore },
  keys: Readonly<Record<string, Viewer>>,
): Promise<DataPlaneServer> {
  const requests: string[] = [];
  const ranges: (string | undefined)[] = [];
  const authenticate = async (authorization: string | undefined): Promise<Viewer> => {
    const viewer = keys[authorization?.replace(/^Bearer /, '') ?? ''];
    if (viewer !== undefined) return viewer;
    throw new TeddyhubError('UNAUTHENTICATED', 'The API key is unknown or was revoked: ask for a new one.');
  };
  const app = express().use((request, _response, next) => {
    requests.push(request.path);
    ranges.push(request.headers.range);
    next();
  });
  const tokens = new TokenAuthenticator(new SetTokenRepository(parts.database));
  const scratch = await mkdtemp(join(tmpdir(), 'teddyhub-plane-'));
  app.use(dataPlaneRouter({ ...parts, authenticate, tokens, scratch }));
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    ranges,
    async close() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      await rm(scratch, { recursive: true });
    },
  };
}
