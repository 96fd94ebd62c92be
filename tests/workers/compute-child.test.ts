import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { architectureConfig } from '../../src/domain/config/architecture.js';
import { synthesisConfig } from '../../src/domain/config/run.js';
import type { JobPayload } from '../../src/domain/jobs/contracts.js';
import { encodeSafetensors } from '../../src/formats/safetensors.js';
import type { ObjectStoreConfig } from '../../src/platform/config/env.js';
import { type ObjectStore, putByDigest } from '../../src/platform/object-store/object-store.js';
import { openObjectStore } from '../../src/platform/object-store/open-object-store.js';
import { startComputeChild } from '../../workers/compute-child.js';
import { encodeParameters } from '../../workers/nn/checkpoint.js';
import { featuresOf } from '../../workers/nn/network.js';
import { initialize } from '../../workers/nn/parameters.js';
import { networkOf } from '../../workers/teddy/dataset.js';
import { encodeStatistics } from '../../workers/teddy/statistics.js';
import { someDigest } from '../support/seeds.js';

/** An image of this side has 4 TiB. */
const SIDE = 2 ** 20;
const dataset: JobPayload<'SYNTHESIS'>['dataset'] = {
  digest: someDigest(),
  classNames: ['left', 'right'],
  shape: { height: SIDE, width: SIDE, channels: 1 },
  mean: [0.5],
  std: [0.25],
  train: [],
  test: [],
};

describe('a compute process', () => {
  let scratch: string;
  let storeConfig: ObjectStoreConfig;
  let store: ObjectStore;
  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'teddyhub-child-'));
    storeConfig = { kind: 'folder', path: join(scratch, 'objects') };
    store = await openObjectStore(storeConfig);
  });
  after(() => rm(scratch, { recursive: true }));

  /** Of a network that takes images of any size, as its last pooling is over all of them. */
  const someTeacher = async (): Promise<JobPayload<'SYNTHESIS'>['teachers'][number]> => {
    const architecture = architectureConfig.parse({ name: 'SHUFFLENET_V2_X0_5' });
    const network = networkOf(architecture, dataset);
    const statistics = encodeStatistics(network, {
      layers: network.norms.map(({ channels }) => ({
        mean: new Float64Array(channels),
        variance: new Float64Array(channels).fill(1),
      })),
      classMeans: new Float64Array(network.classes * featuresOf(network)),
    });
    return {
      index: 0,
      kind: 'RANDOM_INIT',
      architecture,
      epoch: null,
      accuracy: 50,
      checkpoint: await putByDigest(store, 'checkpoints', encodeParameters(network, initialize(network, 1)), ''),
      statistics: await putByDigest(store, 'statistics', statistics, ''),
    };
  };

  it('tells a device without memory as what it is, and not as a fault of the service', async () => {
    const payload: JobPayload<'SYNTHESIS'> = {
      dataset,
      teachers: [await someTeacher()],
      config: synthesisConfig.parse({}),
      seed: 1,
      taskIndex: 0,
      classes: [0, 1],
      firstImage: 0,
      imagesPerClass: 1,
    };
    // Small images to go on from: nothing is large before the first step brings them to the size of the dataset's.
    const images = { dtype: 'F32' as const, shape: [2, 1, 1, 1], data: new Float32Array(2) };
    const bytes = encodeSafetensors({ 'images/images': images }, { step: '1', loss: '0' });
    const { key } = await putByDigest(store, 'checkpoints/task', bytes, '');
    const workplace = { store: storeConfig, scratch, shardCache: null };
    const child = startComputeChild(
      { kind: 'SYNTHESIS', taskId: 'task', payload, workplace, checkpointKey: key },
      { progress: () => undefined, metric: () => undefined, checkpoint: async () => undefined },
    );
    const end = await child.ended;
    assert.ok(end.type === 'FAILURE', JSON.stringify(end));
    assert.equal(end.failure.code, 'OUT_OF_MEMORY', end.detail);
    assert.match(end.failure.message, /smaller batches/);
  });
});
