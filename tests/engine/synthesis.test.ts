import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { architectureConfig } from '../../src/domain/config/architecture.js';
import { type SynthesisConfig, synthesisConfig } from '../../src/domain/config/run.js';
import type { JobPayload, JobResult } from '../../src/domain/jobs/contracts.js';
import { decodeSafetensors, tensorOfFile } from '../../src/formats/safetensors.js';
import { trainPool } from '../../workers/jobs/pool-training.js';
import { synthesize } from '../../workers/jobs/synthesis.js';
import { initialImages, labelsOf, teachersAt, toBytes } from '../../workers/teddy/synthesis.js';
import { tf } from '../../workers/tensor/tensorflow.js';
import { failureWith } from '../support/failure.js';
import { type TinyWorld, tinyWorld } from '../support/tiny-engine.js';
import { keptContext, poolPayload, synthesisPayload, withStatistics } from '../support/tiny-jobs.js';

for (const shape of [
  { height: 8, width: 8, channels: 1 },
  { height: 12, width: 12, channels: 3 },
]) {
  describe(`synthesis of images of ${shape.height} x ${shape.width} x ${shape.channels}`, () => {
    let world: TinyWorld;
    let teachers: JobPayload<'SYNTHESIS'>['teachers'];

    before(async () => {
      world = await tinyWorld(shape);
      const pool = await trainPool(poolPayload(world), keptContext(world.store));
      teachers = await withStatistics(world, pool.teachers);
    });
    after(() => world.close());

    const imagesOf = async ({ images }: JobResult<'SYNTHESIS'>) => {
      const file = decodeSafetensors(await world.store.get(images.key));
      return { ...tensorOfFile(file, 'images', 'U8'), labels: tensorOfFile(file, 'labels', 'I32').data };
    };
    const run = async (options: Partial<SynthesisConfig>, taskIndex = 0) => {
      const context = keptContext(world.store);
      const config = { imagesPerClass: 2 * (taskIndex + 1), ...options };
      const payload = {
        ...synthesisPayload(world, teachers, config),
        taskIndex,
        firstImage: 2 * taskIndex,
        imagesPerClass: 2,
      };
      const result = await synthesize(payload, context);
      return { result, ...(await imagesOf(result)), losses: context.metrics.filter(({ name }) => name === 'loss') };
    };

    it('stores 2 x 2 cells of half the side for every image at formation 2, every slot with all classes', async () => {
      const { result, shape: stored, labels } = await run({ formation: 2 });
      assert.equal(result.samples, 24);
      assert.deepEqual(stored, [24, shape.height / 2, shape.width / 2, shape.channels]);
      assert.deepEqual([...labels.subarray(0, 12)], [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
      assert.deepEqual(labels.subarray(12), labels.subarray(0, 12));
    });

    it('begins with cells that are means of the pixels they take the place of', () => {
      for (const formation of [2, 3] as const) {
        const task = {
          ...synthesisPayload(world, teachers, { formation }),
          shape: { height: 6, width: 6, channels: 1 },
        };
        const images = Uint8Array.from({ length: 2 * 36 }, (_, i) => (i * 37) % 256);
        const cells = initialImages(task, { images, height: 6, width: 6, channels: 1 }, [1]);
        const side = 6 / formation;
        assert.deepEqual(cells.shape, [1, side, side, 1]);
        cells.dataSync().forEach((pixel, cell) => {
          const [top, left] = [Math.floor(cell / side) * formation, (cell % side) * formation];
          let sum = 0;
          for (let y = top; y < top + formation; y++) {
            for (let x = left; x < left + formation; x++) sum += (images[36 + 6 * y + x] as number) / 255;
          }
          assert.ok(Math.abs(pixel - sum / formation ** 2) < 1e-5);
        });
      }
    });

    it('stores whole images at formation 1', async () => {
      const { shape: stored, labels } = await run({ formation: 1 });
      assert.deepEqual(stored, [6, shape.height, shape.width, shape.channels]);
      assert.deepEqual([...labels], [0, 1, 2, 0, 1, 2]);
    });

    it('makes the classes of its task alone, from the same images as with the others', async () => {
      const untouched = { formation: 1, steps: 1, learningRate: 1e-9 } as const;
      const payload = { ...synthesisPayload(world, teachers, untouched), classes: [0, 2] };
      const some = await imagesOf(await synthesize(payload, keptContext(world.store)));
      assert.deepEqual([...some.labels], [0, 2, 0, 2]);
      const whole = await run(untouched);
      const size = shape.height * shape.width * shape.channels;
      const of = (set: { data: Uint8Array; labels: Int32Array }) =>
        [...set.labels.entries()]
          .filter(([, label]) => label !== 1)
          .map(([i]) => set.data.subarray(i * size, (i + 1) * size));
      assert.deepEqual(of(some), of(whole));
    });

    it('leaves images of a later round as they began until it comes', async () => {
      const at = async (steps: number, learningRate: number) => {
        const context = keptContext(world.store);
        const options = { formation: 1, rounds: 2, steps, checkpointEvery: 6, learningRate } as const;
        const { data } = await imagesOf(await synthesize(synthesisPayload(world, teachers, options), context));
        const [checkpoint] = context.checkpoints;
        const middle =
          checkpoint &&
          tensorOfFile(decodeSafetensors(checkpoint.bytes), 'images/images', 'F32').data.map((x) => 255 * x);
        return { data, middle: middle && Uint8Array.from(middle, Math.round) };
      };
      const { data: began } = await at(1, 1e-9);
      const { data: ended, middle } = await at(12, 0.5);
      const half = began.length / 2;
      assert.deepEqual(middle?.subarray(half), began.subarray(half));
      assert.notDeepEqual(middle?.subarray(0, half), began.subarray(0, half));
      assert.notDeepEqual(ended.subarray(half), began.subarray(half));
    });

    it('moves images of every round, also where there are more rounds than steps', async () => {
      const { data: began } = await run({ formation: 1, steps: 1, learningRate: 1e-9 });
      const { data: ended } = await run({ formation: 1, rounds: 7, steps: 1, learningRate: 0.5 });
      const half = began.length / 2;
      assert.notDeepEqual(ended.subarray(0, half), began.subarray(0, half));
      assert.notDeepEqual(ended.subarray(half), began.subarray(half));
    });

    // One teacher, and no augmentation, so that losses of different steps can be compared.
    const still = { cropScaleMin: 1, augmentation: { flip: false, shift: 0 }, learningRate: 0.5, steps: 60 };

    it('lowers the loss, though the steps are large', async () => {
      const context = keptContext(world.store);
      await synthesize(synthesisPayload(world, teachers.slice(1, 2), { ...still, init: 'NOISE' }), context);
      const losses = context.metrics.filter(({ name }) => name === 'loss').map(({ value }) => value);
      assert.ok((losses.at(-1) ?? 1) < 0.8 * (losses[0] ?? 0), `losses ${losses.join(', ')}`);
    });

    it('keeps pixels in range where the steps are large', async () => {
      // Cross-entropy alone pushes pixels to both ends; the moments of dark images would push to one.
      const pushing = { ...still, init: 'NOISE', momentsWeight: 0, classMeanWeight: 0 } as const;
      const context = keptContext(world.store);
      const { data } = await imagesOf(
        await synthesize(synthesisPayload(world, teachers.slice(1, 2), pushing), context),
      );
      // Clamping leaves pixels at both ends; a wrap-around or an overflow of uint8 would leave their neighbours' values.
      assert.ok(data.filter((pixel) => pixel === 0).length > data.length / 100);
      assert.ok(data.filter((pixel) => pixel === 255).length > data.length / 100);
    });

    it('starts from real images of the class, another task from others', async () => {
      // A learning rate of next to nothing leaves the images as they began.
      const options = { formation: 1, steps: 1, learningRate: 1e-9 } as const;
      const [first, second] = [await run(options, 0), await run(options, 1)];
      const real = decodeSafetensors(await world.store.get(world.dataset.train[0]?.key ?? ''));
      const images = tensorOfFile(real, 'images', 'U8').data;
      const labels = tensorOfFile(real, 'labels', 'I32').data;
      const size = shape.height * shape.width * shape.channels;
      const at = (data: Uint8Array, i: number) => Buffer.from(data.subarray(i * size, (i + 1) * size)).toString('hex');
      const byClass = (c: number) =>
        new Set([...labels.keys()].filter((i) => labels[i] === c).map((i) => at(images, i)));
      for (const { data, labels: own } of [first, second]) {
        for (const [i, label] of own.entries()) assert.ok(byClass(label).has(at(data, i)), `sample ${i}`);
      }
      assert.notDeepEqual(first.data, second.data);
    });

    it('starts from the crops that the best teacher is surest of, surer than of random images', async () => {
      const still = {
        formation: 1,
        steps: 10,
        learningRate: 1e-9,
        cropScaleMin: 1,
        augmentation: { flip: false, shift: 0 },
      } as const;
      const lossOf = async (init: SynthesisConfig['init']) => {
        const context = keptContext(world.store);
        const best = teachers.reduce((a, b) => (b.accuracy > a.accuracy ? b : a));
        const result = await synthesize(synthesisPayload(world, [best], { ...still, init }), context);
        const { labels } = await imagesOf(result);
        assert.deepEqual([...labels], [0, 1, 2, 0, 1, 2]);
        return context.metrics.find(({ name }) => name === 'loss/crossEntropy')?.value ?? Number.NaN;
      };
      assert.ok((await lossOf('REAL_CROPS')) < (await lossOf('RANDOM_REAL')));
    });

    it('stores 3 x 3 cells at formation 3', async () => {
      const { result, shape: stored } = await run({ formation: 3, steps: 2 });
      const [rows, columns] = [shape.height, shape.width].map((side) => Math.floor(side / 3));
      assert.deepEqual(stored, [54, rows, columns, shape.channels]);
      assert.equal(result.samples, 54);
    });

    it('reports every part of the loss, the whole being their weighted sum', async () => {
      const context = keptContext(world.store);
      const payload = synthesisPayload(world, teachers, { steps: 10, crossEntropyWeight: 0.5, momentsWeight: 0.25 });
      await synthesize(payload, context);
      const last = (name: string) => context.metrics.findLast((metric) => metric.name === name)?.value ?? Number.NaN;
      const sum = 0.5 * last('loss/crossEntropy') + 0.25 * last('loss/moments') + 0.1 * last('loss/classMeans');
      assert.ok(Math.abs(sum - last('loss')) < 1e-5, `${sum} against ${last('loss')}`);
    });

    it('takes the mean of the losses of the teachers of a step', async () => {
      const lossOf = async (chosen: typeof teachers, teachersPerStep: number) => {
        const context = keptContext(world.store);
        const options = { ...still, steps: 10, learningRate: 1e-9, teachersPerStep } as const;
        await synthesize(synthesisPayload(world, chosen, options), context);
        return { loss: context.metrics.find(({ name }) => name === 'loss')?.value ?? Number.NaN };
      };
      const [first, second] = [teachers.slice(0, 1), teachers.slice(1, 2)];
      const each = [await lossOf(first, 1), await lossOf(second, 1)].map(({ loss }) => loss);
      const mean = ((each[0] ?? Number.NaN) + (each[1] ?? Number.NaN)) / 2;
      // Two teachers a step, and one: a curve is of both of them in either case.
      for (const teachersPerStep of [2, 1]) {
        const { loss } = await lossOf([...first, ...second], teachersPerStep);
        assert.ok(Math.abs(loss - mean) < 1e-5 * mean, `${loss}, not the mean of ${each.join(' and ')}`);
      }
    });

    it('multiplies the whole loss of a teacher by the weight of its architecture', async () => {
      const lossesAt = async (architectureWeights: SynthesisConfig['architectureWeights']) => {
        const context = keptContext(world.store);
        const { images } = await synthesize(
          synthesisPayload(world, teachers, { steps: 10, learningRate: 1e-9, architectureWeights }),
          context,
        );
        return {
          digest: images.digest,
          loss: context.metrics.find(({ name }) => name === 'loss')?.value ?? Number.NaN,
        };
      };
      const plain = await lossesAt([]);
      const halved = await lossesAt([{ name: 'CONVNET', weight: 0.5 }]);
      assert.ok(Math.abs(halved.loss - 0.5 * plain.loss) < 1e-5 * plain.loss, `${halved.loss} of ${plain.loss}`);
      assert.deepEqual(await lossesAt([{ name: 'RESNET18', weight: 0.5 }]), plain);
    });

    it('refuses more images per class than a class has', async () => {
      const run = synthesize(synthesisPayload(world, teachers, { imagesPerClass: 21 }), keptContext(world.store));
      await assert.rejects(run, failureWith('TOO_FEW_IMAGES', '20 training images'));
    });

    it('refuses images that are too small for the depth', async () => {
      const architecture = architectureConfig.parse({ width: 4, depth: 4 });
      const deep = teachers.map((teacher) => ({ ...teacher, architecture }));
      const run = synthesize(synthesisPayload(world, deep), keptContext(world.store));
      await assert.rejects(run, failureWith('UNSUPPORTED_SHAPE', 'use depth 3 or less'));
    });

    it('ends where the loss is no number any more, and says what to do', async () => {
      const payload = synthesisPayload(world, teachers, { crossEntropyWeight: 1e39 });
      await assert.rejects(
        synthesize(payload, keptContext(world.store)),
        failureWith('NUMERICS', 'smaller learning rate'),
      );
      const pool = poolPayload(world);
      const wild = { ...pool, config: { ...pool.config, learningRate: 1e38 } };
      await assert.rejects(trainPool(wild, keptContext(world.store)), failureWith('NUMERICS', 'smaller learning rate'));
    });
  });
}

const task = {
  config: synthesisConfig.parse({ formation: 2 }),
  shape: { height: 8, width: 8, channels: 1 },
  classes: [0, 1, 2, 3, 4],
  seed: 0,
  taskIndex: 0,
  firstImage: 0,
  imagesPerClass: 3,
};

describe('the teachers of the steps', () => {
  const over = (steps: number, options: Partial<SynthesisConfig>, of: Partial<typeof task> = {}) =>
    Array.from({ length: steps }, (_, step) =>
      teachersAt({ ...task, ...of, config: synthesisConfig.parse(options) }, 3, step),
    );

  it('take turns, several a step where so many are asked for', () => {
    assert.deepEqual(over(4, {}), [[0], [1], [2], [0]]);
    assert.deepEqual(over(3, { teachersPerStep: 2 }), [
      [0, 1],
      [2, 0],
      [1, 2],
    ]);
  });

  it('are drawn with RANDOM, each about as often and none twice for a step, from the seed, the task and the step alone', () => {
    const drawn = over(300, { teacherOrder: 'RANDOM', teachersPerStep: 2 });
    assert.deepEqual(over(300, { teacherOrder: 'RANDOM', teachersPerStep: 2 }), drawn);
    for (const other of [{ seed: 1 }, { taskIndex: 1 }]) {
      assert.notDeepEqual(over(300, { teacherOrder: 'RANDOM', teachersPerStep: 2 }, other), drawn);
    }
    for (const chosen of drawn) assert.equal(new Set(chosen).size, 2);
    for (const teacher of [0, 1, 2]) {
      const share = drawn.flat().filter((one) => one === teacher).length / 600;
      assert.ok(Math.abs(share - 1 / 3) < 0.08, `teacher ${teacher} in ${share} of the steps`);
    }
  });
});

describe('the order of the samples of a task', () => {
  it('lets any prefix of whole slots hold every class equally often', () => {
    const labels = labelsOf(task);
    assert.equal(labels.length, 60);
    for (let slots = 1; slots <= 3; slots++) {
      const prefix = [...labels.subarray(0, slots * 20)];
      for (let c = 0; c < 5; c++) assert.equal(prefix.filter((label) => label === c).length, 4 * slots);
    }
  });
});

describe('the pixels of a task', () => {
  it('are stored as the nearest bytes', () => {
    assert.deepEqual(toBytes(tf.tensor1d([0, 0.4 / 255, 0.6 / 255, 254.6 / 255, 1])), Uint8Array.of(0, 0, 1, 255, 255));
  });

  it('are refused where the last step left one that is no number', () => {
    assert.throws(() => toBytes(tf.tensor1d([0.5, Number.NaN])), failureWith('NUMERICS', 'last step'));
  });
});
