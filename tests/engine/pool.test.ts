import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { z } from 'zod';
import { architectureConfig } from '../../src/domain/config/architecture.js';
import { newPoolConfig, poolConfig } from '../../src/domain/config/pool.js';
import type { JobPayload } from '../../src/domain/jobs/contracts.js';
import { decodeSafetensors, encodeSafetensors, tensorOfFile } from '../../src/formats/safetensors.js';
import { putByDigest } from '../../src/platform/object-store/object-store.js';
import { label } from '../../workers/jobs/labeling.js';
import { trainPool } from '../../workers/jobs/pool-training.js';
import { synthesize } from '../../workers/jobs/synthesis.js';
import { buildNetwork } from '../../workers/nn/architectures/index.js';
import { encodeParameters } from '../../workers/nn/checkpoint.js';
import { oneCycle } from '../../workers/nn/optimizers.js';
import { initialize } from '../../workers/nn/parameters.js';
import { adoptMoments } from '../../workers/nn/training.js';
import { gatherImages, normalize } from '../../workers/nn/views.js';
import { networkOf, readImages } from '../../workers/teddy/dataset.js';
import { readImported } from '../../workers/teddy/imported.js';
import { planPool } from '../../workers/teddy/pool.js';
import { applyMask, pruningMask } from '../../workers/teddy/pruning.js';
import { type Tensor, tf } from '../../workers/tensor/tensorflow.js';
import { failureWith } from '../support/failure.js';
import { type TinyWorld, tinyWorld } from '../support/tiny-engine.js';
import { keptContext, labelingPayload, poolPayload, synthesisPayload, withStatistics } from '../support/tiny-jobs.js';

const narrow = architectureConfig.parse({ width: 4, depth: 2 });
const wide = architectureConfig.parse({ width: 8, depth: 1 });

describe('the one-cycle schedule', () => {
  it('warms up over 30 % from a twenty-fifth of the rate, then falls by half a cosine', () => {
    const at = (step: number) => oneCycle(0.5, step, 100);
    const close = (value: number, expected: number) => assert.ok(Math.abs(value - expected) < 1e-12, `${value}`);
    close(at(0), 0.02);
    close(at(15), (0.02 + 0.5) / 2);
    close(at(30), 0.5);
    close(at(65), (0.5 + 5e-5) / 2);
    close(at(100), 5e-5);
  });
});

describe('pruning a network', () => {
  it('takes the channels of the least |gamma|, ties by the kernel, and leaves one in every layer', () => {
    const shape = { height: 16, width: 16, channels: 3 };
    const network = buildNetwork(architectureConfig.parse({ width: 4, depth: 1 }), shape, 3);
    const parameters = initialize(network, 1);
    const pruned = (ratio: number) =>
      [...(pruningMask(network, parameters, ratio)['features.1.weight'] as Tensor).dataSync()].flatMap(
        (kept, channel) => (kept === 0 ? [channel] : []),
      );
    parameters['features.1.weight'] = tf.tensor1d([0.5, -0.1, -2, 0.3]);
    assert.deepEqual(pruned(0.5), [1, 3]);
    assert.deepEqual(pruned(0.9), [0, 1, 3]);
    parameters['features.1.weight'] = tf.ones([4]);
    const strength = tf.tensor1d([3, 1, 2, 4]);
    parameters['features.0.weight'] = tf.ones([3, 3, 3, 4]).mul(strength);
    assert.deepEqual(pruned(0.25), [1]);
    assert.deepEqual(pruned(0.5), [1, 2]);
  });

  describe('that has depthwise convolutions', () => {
    const network = buildNetwork(
      architectureConfig.parse({ name: 'MOBILENET_V2' }),
      { height: 16, width: 16, channels: 3 },
      3,
    );
    const convolutions = network.nodes.flatMap(({ operation }) => (operation.op === 'CONVOLUTION' ? [operation] : []));
    /** By convolution, in order: the dead output channels. */
    const deadChannels = (ratio: number): number[][] => {
      const parameters = initialize(network, 1);
      applyMask(parameters, pruningMask(network, parameters, ratio));
      for (const { name, shape } of network.parameters) assert.deepEqual(parameters[name]?.shape, shape);
      return convolutions.map(({ name, depthwise }) => {
        const sums = (parameters[`${name}.weight`] as Tensor).abs().sum(depthwise ? [0, 1, 3] : [0, 1, 2]);
        return [...sums.dataSync()].flatMap((sum, channel) => (sum === 0 ? [channel] : []));
      });
    };

    it('takes the given share of each', () => {
      const shares = deadChannels(0.5).map((dead, i) => {
        const norm = network.norms[i];
        return norm === undefined ? Number.NaN : dead.length / norm.channels;
      });
      assert.deepEqual(new Set(shares), new Set([0.5]));
    });

    it('leaves depthwise ones the channels that reach them, so that the signal goes through', () => {
      const dead = deadChannels(0.9);
      const depthwise = convolutions.flatMap((convolution, i) => (convolution.depthwise ? [i] : []));
      assert.ok(depthwise.length > 0);
      for (const i of depthwise) assert.deepEqual(dead[i], dead[i - 1]);
    });
  });

  for (const name of ['MOBILENET_V2', 'SHUFFLENET_V2_X0_5', 'EFFICIENTNET_B0'] as const) {
    it(`keeps no channel of ${name} that nothing reaches, also behind slices and shuffles`, () => {
      const network = buildNetwork(architectureConfig.parse({ name }), { height: 32, width: 32, channels: 3 }, 3);
      const parameters = initialize(network, 1);
      applyMask(parameters, pruningMask(network, parameters, 0.9));
      adoptMoments(network, parameters, tf.randomNormal([4, 32, 32, 3], 0, 1, 'float32', 1));
      const valuesOf = (parameter: string) => [...(parameters[parameter] as Tensor).dataSync()];
      for (const { name: norm } of network.norms) {
        const [gammas, variances] = [valuesOf(`${norm}.weight`), valuesOf(`${norm}.running_var`)];
        const kept = gammas.flatMap((gamma, c) => (gamma === 0 ? [] : [c]));
        assert.ok(kept.length > 0);
        for (const c of kept) assert.ok((variances[c] as number) > 0, `channel ${c} before ${norm} is constant`);
      }
    });
  }
});

describe('a pool of several kinds and architectures', () => {
  let world: TinyWorld;
  before(async () => {
    world = await tinyWorld({ height: 8, width: 8, channels: 1 });
  });
  after(() => world.close());

  const payloadOf = (options: z.input<typeof poolConfig>): JobPayload<'POOL_TRAINING'> => {
    const payload = poolPayload(world);
    return { ...payload, config: poolConfig.parse({ ...payload.config, ...options }) };
  };
  const train = async (options: z.input<typeof poolConfig>) =>
    (await trainPool(payloadOf(options), keptContext(world.store))).teachers;
  /** Options of a pool with an import, and the payload's object of it. */
  const takeIn = async (bytes: Uint8Array, architecture: z.input<typeof architectureConfig> = narrow) => ({
    imports: [{ path: 'elsewhere.safetensors', architecture }],
    imported: [await putByDigest(world.store, 'checkpoints', bytes, '.safetensors')],
  });
  const trainWith = async ({ imports, imported }: Awaited<ReturnType<typeof takeIn>>) =>
    (await trainPool({ ...payloadOf({ imports }), imported }, keptContext(world.store))).teachers;
  const checkpointOf = async (teacher: Awaited<ReturnType<typeof train>>[number] | undefined) =>
    decodeSafetensors(await world.store.get(teacher?.checkpoint.key ?? ''));

  it('holds the teachers of every base run, each with its kind, network, epoch and accuracy', async () => {
    const teachers = await train({
      otherArchitectures: [wide],
      checkpointEpochs: [1, 3],
      fullyTrained: true,
      prunedRatios: [0.5],
    });
    const kinds = [
      ['EARLY_EPOCH', 1],
      ['FULLY_TRAINED', 3],
      ['PRUNED', null],
      ['RANDOM_INIT', null],
    ];
    assert.deepEqual(
      teachers.map(({ index, kind, architecture, epoch }) => [index, architecture, kind, epoch]),
      [narrow, wide].flatMap((architecture, a) => kinds.map((kind, k) => [4 * a + k, architecture, ...kind])),
    );
    for (const { accuracy } of teachers) assert.ok(accuracy >= 0 && accuracy <= 100);
    assert.equal(new Set(teachers.map(({ checkpoint }) => checkpoint.digest)).size, teachers.length);
  });

  it('keeps early teachers with the moments of what they have seen, and not of what these began as', async () => {
    const { dataset, store } = world;
    const images = await readImages(keptContext(store), dataset, dataset.train);
    // One step on all images at once, which moves next to nothing.
    const [teacher] = await train({
      ...{
        batchSize: images.labels.length,
        epochs: 1,
        checkpointEpochs: [1],
        randomInitTeachers: 0,
        learningRate: 1e-9,
      },
      augmentation: { flip: false, shift: 0 },
    });
    const network = networkOf(narrow, dataset);
    const expected = initialize(network, poolPayload(world).seed);
    const order = images.labels.map((_, index) => index);
    adoptMoments(network, expected, normalize(gatherImages(images, order), dataset));
    const kept = await checkpointOf(teacher);
    for (const { name, channels } of network.norms) {
      for (const part of ['running_mean', 'running_var']) {
        const wanted = (expected[`${name}.${part}`] as Tensor).dataSync();
        const { data } = tensorOfFile(kept, `${name}.${part}`, 'F32', [channels]);
        for (const [c, value] of data.entries()) {
          assert.ok(Math.abs(value - (wanted[c] ?? 0)) < 1e-4, `${name}.${part} ${c}: ${value} for ${wanted[c]}`);
        }
      }
    }
  });

  it('keeps early epochs and the end of a base run of any length, unless asked for others', () => {
    const epochs = (options: z.input<typeof poolConfig>) => poolConfig.parse(options).checkpointEpochs;
    assert.deepEqual(epochs({}), [0.1, 0.5, 2]);
    assert.deepEqual(epochs({ epochs: 20 }), [0.1, 0.5, 20]);
    assert.deepEqual(epochs({ epochs: 0.5 }), [0.1, 0.5]);
    assert.deepEqual(epochs({ epochs: 20, checkpointEpochs: [3] }), [3]);
  });

  it('has an untrained teacher for each base run, and none where nothing is trained, unless asked otherwise', () => {
    const untrained = (options: z.input<typeof poolConfig>) =>
      planPool(poolConfig.parse(options), 1, 100).filter(({ kind }) => kind === 'RANDOM_INIT').length;
    const imports = { imports: [{ path: 'a' }], checkpointEpochs: [] };
    assert.deepEqual([{}, { otherArchitectures: [wide] }, imports].map(untrained), [1, 2, 0]);
    assert.deepEqual(
      [0, 3].map((randomInitTeachers) => untrained({ ...imports, randomInitTeachers })),
      [0, 3],
    );
  });

  it('trains a base run no longer than something of it is kept, at the rates of all of it', () => {
    const base = (options: z.input<typeof poolConfig>) => {
      const [phase] = planPool(poolConfig.parse({ epochs: 4, batchSize: 10, learningRate: 0.1, ...options }), 0, 40);
      if (phase?.kind !== 'BASE') assert.fail();
      return {
        steps: phase.steps,
        kept: phase.kept.map(({ kind, step, epoch }) => [kind, step, epoch]),
        rate: phase.rateAt(8),
      };
    };
    assert.deepEqual(base({ checkpointEpochs: [0.5, 2] }), {
      steps: 8,
      kept: [
        ['EARLY_EPOCH', 2, 0.5],
        ['EARLY_EPOCH', 8, 2],
      ],
      rate: 0.05,
    });
    assert.equal(base({ checkpointEpochs: [1], fullyTrained: true }).steps, 16);
    assert.equal(base({ checkpointEpochs: [1], prunedRatios: [0.5] }).steps, 16);
    // Three epochs that are one step: the last of them is kept, and none twice.
    assert.deepEqual(base({ checkpointEpochs: [0.1, 0.2, 0.25, 1] }).kept, [
      ['EARLY_EPOCH', 1, 0.25],
      ['EARLY_EPOCH', 4, 1],
    ]);
  });

  it('trains one more base run for every other batch size, of as many epochs', async () => {
    const runs = planPool(poolConfig.parse({ batchSize: 10, otherBatchSizes: [20], learningRate: 0.1 }), 0, 40).filter(
      (phase) => phase.kind === 'BASE',
    );
    assert.deepEqual(
      runs.map(({ batchSize, steps, rateAt }) => [batchSize, steps, rateAt(0)]),
      [
        [10, 8, 0.1],
        [20, 4, 0.2],
      ],
    );
    const teachers = await train({ otherBatchSizes: [7], checkpointEpochs: [1, 3], randomInitTeachers: 0 });
    assert.deepEqual(
      teachers.map(({ kind, epoch }) => [kind, epoch]),
      [1, 3, 1, 3].map((epoch) => ['EARLY_EPOCH', epoch]),
    );
    assert.equal(new Set(teachers.map(({ checkpoint }) => checkpoint.digest)).size, 4);
  });

  it('trains the first base run the same, whatever follows it', async () => {
    const digests = async (options: z.input<typeof poolConfig>) =>
      (await train(options)).filter(({ kind }) => kind === 'EARLY_EPOCH').map(({ checkpoint }) => checkpoint.digest);
    const alone = await digests({});
    assert.deepEqual((await digests({ otherArchitectures: [narrow], prunedRatios: [0.3] })).slice(0, 3), alone);
    assert.notDeepEqual(await digests({ schedule: 'ONE_CYCLE' }), alone);
  });

  it('keeps pruned channels dead through the fine-tuning, and trains the others on', async () => {
    const options = { prunedRatios: [0.5], fullyTrained: true, randomInitTeachers: 0, fineTuneEpochs: 2 };
    const teachers = await train(options);
    const [base, pruned] = await Promise.all(teachers.slice(-2).map(checkpointOf));
    if (base === undefined || pruned === undefined) throw new Error('there are two teachers');
    const valuesOf = (file: typeof base, name: string): Float32Array => tensorOfFile(file, name, 'F32').data;
    for (const [convolution, norm] of [
      ['features.0', 'features.1'],
      ['features.4', 'features.5'],
    ]) {
      const gamma = valuesOf(pruned, `${norm}.weight`);
      const beta = valuesOf(pruned, `${norm}.bias`);
      const kernel = valuesOf(pruned, `${convolution}.weight`);
      const mean = valuesOf(pruned, `${norm}.running_mean`);
      const size = kernel.length / gamma.length;
      const dead = [...gamma.keys()].filter((c) => gamma[c] === 0);
      assert.equal(dead.length, 2);
      for (const c of dead) {
        assert.ok(beta[c] === 0);
        assert.ok(Math.abs(mean[c] as number) < 1e-6, 'running moments are of the network without them');
        assert.ok(kernel.subarray(c * size, (c + 1) * size).every((value) => value === 0));
      }
      const before = valuesOf(base, `${norm}.weight`);
      assert.ok(gamma.some((value, c) => value !== 0 && value !== before[c]));
    }
  });

  it('is matched and labels, with networks of both architectures', async () => {
    const teachers = await train({ otherArchitectures: [wide], checkpointEpochs: [3], prunedRatios: [0.5] });
    const pool = await withStatistics(world, teachers);
    const made = await synthesize(synthesisPayload(world, pool), keptContext(world.store));
    assert.ok(Number.isFinite(made.finalLoss));
    const labels = async (some: typeof teachers) =>
      (await label(labelingPayload(world, some, [made.images]), keptContext(world.store))).static.digest;
    const [first, , , other] = teachers;
    if (first === undefined || other === undefined) throw new Error('there are six teachers');
    assert.notDeepEqual(first.architecture, other.architecture);
    assert.notEqual(await labels([first, other]), await labels([first]));
  });

  it('takes in a state dict as it is, and measures it', async () => {
    const own = (await train({ otherArchitectures: [wide] })).filter(({ kind }) => kind === 'EARLY_EPOCH').at(-1);
    const [imported] = await trainWith(await takeIn(await world.store.get(own?.checkpoint.key ?? ''), wide));
    assert.deepEqual(imported, { ...own, index: 0, kind: 'IMPORTED', epoch: null });
  });

  it('refuses its own file of a network with another stem, which no shape tells', async () => {
    const built = (stem: 'LARGE' | 'SMALL') => {
      const architecture = architectureConfig.parse({ name: 'SHUFFLENET_V2_X0_5', stem });
      return { architecture, network: buildNetwork(architecture, { height: 64, width: 64, channels: 1 }, 3) };
    };
    const [large, small] = [built('LARGE'), built('SMALL')];
    const { imported } = await takeIn(encodeParameters(large.network, initialize(large.network, 1)));
    const read = ({ network, architecture }: typeof large) =>
      readImported(world.store, network, { path: 'own.safetensors', architecture }, imported[0]);
    await read(large);
    const words = 'own.safetensors: it is of a SHUFFLENET_V2_X0_5 with the stem LARGE, not SMALL: say so';
    await assert.rejects(read(small), failureWith('BAD_INPUT_FILE', words));
  });

  it('may be of imported and untrained teachers alone, and then trains nothing', async () => {
    const [own] = await train({ checkpointEpochs: [1] });
    const context = keptContext(world.store);
    const { imports, imported } = await takeIn(await world.store.get(own?.checkpoint.key ?? ''));
    const payload = { ...payloadOf({ checkpointEpochs: [], imports }), imported };
    const { teachers } = await trainPool(payload, context);
    assert.deepEqual(
      teachers.map(({ kind }) => kind),
      ['IMPORTED', 'RANDOM_INIT'],
    );
    assert.equal(context.losses.size, 0);
  });

  it('has to hold a teacher that can label', () => {
    const empty = poolConfig.safeParse({ checkpointEpochs: [], randomInitTeachers: 2 });
    assert.match(empty.error?.issues[0]?.message ?? '', /needs a trained teacher/);
    for (const enough of [{ fullyTrained: true }, { prunedRatios: [0.5] }, { imports: [{ path: 'some' }] }]) {
      assert.ok(poolConfig.safeParse({ checkpointEpochs: [], ...enough }).success);
    }
  });

  it('has to keep something of the base runs that it names', () => {
    const imports = { checkpointEpochs: [], imports: [{ path: 'some' }] };
    for (const idle of [{ otherArchitectures: [{ name: 'RESNET18' }] }, { otherBatchSizes: [32] }]) {
      const { error } = newPoolConfig.safeParse({ ...imports, ...idle });
      assert.deepEqual(
        error?.issues.map(({ path }) => path),
        [Object.keys(idle)],
      );
      assert.ok(newPoolConfig.safeParse({ ...imports, ...idle, randomInitTeachers: 1 }).success);
    }
  });

  it('refuses files that are no such network, naming the file and the tensor', async () => {
    let bytes: Uint8Array = Buffer.from('no tensors');
    const refused = async (text: string, architecture = narrow) => {
      const run = trainWith(await takeIn(bytes, architecture));
      await assert.rejects(run, failureWith('BAD_INPUT_FILE', `elsewhere.safetensors: ${text}`));
    };
    await refused('Not a valid safetensors file');
    const good = await checkpointOf((await train({}))[0]);
    const write = (changes: Record<string, unknown>) => {
      const tensors = Object.entries({ ...Object.fromEntries(good.tensors), ...changes });
      bytes = encodeSafetensors(Object.fromEntries(tensors.filter(([, tensor]) => tensor != null)) as never);
    };
    write({});
    await refused(
      'tensor features.0.weight has shape [4, 1, 3, 3], in a CONVNET of 3 classes it is [8, 1, 3, 3]',
      wide,
    );
    write({ 'features.1.bias': null });
    await refused('tensor features.1.bias is missing');
    write({ 'features.9.bias': { dtype: 'F32', shape: [1], data: Float32Array.of(1) } });
    await refused('tensor features.9.bias is unknown');
    write({ 'classifier.bias': { dtype: 'F64', shape: [3], data: Float64Array.of(1, 2, 3) } });
    await refused('tensor classifier.bias is F64, not F32');
    write({ 'classifier.bias': { dtype: 'F32', shape: [3], data: Float32Array.of(1, Number.NaN, 3) } });
    await refused('tensor classifier.bias holds values that are no finite numbers');
    const negative = { dtype: 'F32', shape: [4], data: Float32Array.of(1, 1, -0.1, 1) };
    write({ 'features.1.running_var': negative });
    await refused('tensor features.1.running_var holds a negative variance');
  });
});
