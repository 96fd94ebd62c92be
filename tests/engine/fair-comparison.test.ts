import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import type { JobPayload } from '../../src/domain/jobs/contracts.js';
import { decodeSafetensors, tensorOfFile } from '../../src/formats/safetensors.js';
import { evaluate, readBaseline } from '../../workers/jobs/evaluation.js';
import { trainPool } from '../../workers/jobs/pool-training.js';
import { synthesize } from '../../workers/jobs/synthesis.js';
import { type TinyWorld, tinyWorld } from '../support/tiny-engine.js';
import { evaluationPayload, keptContext, poolPayload, synthesisPayload, withStatistics } from '../support/tiny-jobs.js';

const SHAPE = { height: 8, width: 8, channels: 1 };
const SIZE = 64;
const CLASSES = 3;

describe('the random real images that a set is compared with', () => {
  let world: TinyWorld;
  let teachers: JobPayload<'SYNTHESIS'>['teachers'];
  before(async () => {
    world = await tinyWorld(SHAPE);
    const pool = await trainPool(poolPayload(world), keptContext(world.store));
    teachers = await withStatistics(world, pool.teachers);
  });
  after(() => world.close());

  type Images = { images: { subarray(from: number, to: number): Uint8Array }; labels: Int32Array };
  /** By class, in the order of the samples. */
  const byClass = ({ images, labels }: Images): string[][] =>
    Array.from({ length: CLASSES }, (_, c) =>
      [...labels.keys()]
        .filter((i) => labels[i] === c)
        .map((i) => Buffer.from(images.subarray(i * SIZE, (i + 1) * SIZE)).toString('hex')),
    );
  const drawn = async (seed: number, imagesPerClass: number) => {
    const payload = { ...evaluationPayload(world, teachers), seed, imagesPerClass };
    const { images, labels } = await readBaseline(payload, keptContext(world.store));
    if (!(images instanceof Uint8Array)) assert.fail();
    return byClass({ images, labels });
  };

  it('are as many of every class as the set has, none of them twice', async () => {
    for (const of of await drawn(4, 7)) {
      assert.equal(of.length, 7);
      assert.equal(new Set(of).size, 7);
    }
  });

  it('are the very ones that synthesis of the same seed starts from', async () => {
    const untouched = { formation: 1, imagesPerClass: 4, steps: 1, learningRate: 1e-9 } as const;
    const payload = { ...synthesisPayload(world, teachers, untouched), seed: 4 };
    const { images } = await synthesize(payload, keptContext(world.store));
    const file = decodeSafetensors(await world.store.get(images.key));
    const began = byClass({
      images: tensorOfFile(file, 'images', 'U8').data,
      labels: tensorOfFile(file, 'labels', 'I32').data,
    });
    assert.deepEqual(await drawn(4, 4), began);
    assert.notDeepEqual(await drawn(5, 4), began);
  });
});

describe('accuracies', () => {
  let world: TinyWorld;
  /** The test split calls every class by the name of the next: who learns the training split well is wrong on all of it. */
  before(async () => {
    world = await tinyWorld(SHAPE, 60, async ({ testLabels }) => {
      const labels = await readFile(testLabels);
      for (let i = 8; i < labels.length; i++) labels[i] = ((labels[i] as number) + 1) % CLASSES;
      await writeFile(testLabels, labels);
    });
  });
  after(() => world.close());

  it('of students and of teachers are read on the test split, and on nothing else', async () => {
    const pool = poolPayload(world);
    const config = { ...pool.config, epochs: 8, checkpointEpochs: [8], randomInitTeachers: 0 };
    const { teachers } = await trainPool({ ...pool, config }, keptContext(world.store));
    assert.ok((teachers[0]?.accuracy ?? 100) < 15, `a teacher has ${teachers[0]?.accuracy}`);
    const payload = evaluationPayload(world, teachers);
    const recipe = { ...payload.recipe, steps: 120, averageDecay: 0, batchSize: 16 };
    const { results } = await evaluate(
      { ...payload, recipe, subject: 'FULL_REAL', labelKinds: ['HARD'] },
      keptContext(world.store),
    );
    assert.ok((results[0]?.top1Last ?? 100) < 15, `a student has ${results[0]?.top1Last}`);
    assert.equal(results[0]?.top5Last, 100);
  });
});
