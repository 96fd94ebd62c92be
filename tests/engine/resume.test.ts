import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { architectureConfig } from '../../src/domain/config/architecture.js';
import type { PoolConfig } from '../../src/domain/config/pool.js';
import { evaluate } from '../../workers/jobs/evaluation.js';
import { label } from '../../workers/jobs/labeling.js';
import { trainPool } from '../../workers/jobs/pool-training.js';
import { computeStatistics } from '../../workers/jobs/statistics.js';
import { synthesize } from '../../workers/jobs/synthesis.js';
import { type TinyWorld, tinyWorld } from '../support/tiny-engine.js';
import {
  evaluationPayload,
  type KeptContext,
  keptContext,
  labelingPayload,
  poolPayload,
  runPipeline,
  synthesisPayload,
} from '../support/tiny-jobs.js';

const child = fileURLToPath(new URL('pipeline.child.js', import.meta.url));

describe('a job that is resumed', () => {
  let world: TinyWorld;
  let undisturbed: Awaited<ReturnType<typeof runPipeline>>;

  before(async () => {
    world = await tinyWorld({ height: 8, width: 8, channels: 1 });
    undisturbed = await runPipeline(world);
  });
  after(() => world.close());

  /**
   * Runs a job, then again from each of its checkpoints: its answer and the loss of every later step must be equal. In a worker
   * that stops, checkpoints are made wherever they can be.
   */
  async function assertResumable<R>(
    run: (context: KeptContext) => Promise<R>,
    checkpoints: readonly number[],
    stopping = false,
  ): Promise<R> {
    const whole = { ...keptContext(world.store), stopping: () => stopping };
    const result = await run(whole);
    assert.deepEqual(
      whole.checkpoints.map(({ step }) => step),
      checkpoints,
    );
    for (const { bytes, step } of whole.checkpoints) {
      const again = keptContext(world.store, bytes);
      assert.deepEqual(await run(again), result, `resumed at step ${step}`);
      const later = [...whole.losses].filter(([number]) => number > step);
      assert.deepEqual([...again.losses], later, `losses after step ${step}`);
    }
    return result;
  }

  it('trains the same pool from any checkpoint', async () => {
    // 60 images in batches of 16: epochs 0.5, 1 and 2 end after these steps, and nothing of the third is kept.
    const result = await assertResumable((context) => trainPool(poolPayload(world), context), [2, 4, 8]);
    assert.deepEqual(result.teachers, undisturbed.teachers);
  });

  const poolOf = (options: Partial<PoolConfig>) => {
    const payload = poolPayload(world);
    const config = { ...payload.config, epochs: 1, batchSize: 4, checkpointEpochs: [1], ...options };
    return (context: KeptContext) => trainPool({ ...payload, config }, context);
  };

  it('trains the same pruned teachers from the middle of a fine-tuning, and from between two', async () => {
    // 15 steps of a base run, then two fine-tunings of 210, whose 200th step is kept as well.
    const run = poolOf({ prunedRatios: [0.5, 0.25], fineTuneEpochs: 14 });
    const { teachers } = await assertResumable(run, [15, 215, 225, 425, 435]);
    assert.deepEqual(
      teachers.map(({ kind }) => kind),
      ['EARLY_EPOCH', 'PRUNED', 'PRUNED', 'RANDOM_INIT'],
    );
  });

  it('trains the same pool of several architectures from between their base runs', async () => {
    const otherArchitectures = [architectureConfig.parse({ width: 8, depth: 1 })];
    const { teachers } = await assertResumable(poolOf({ otherArchitectures, prunedRatios: [0.5] }), [15, 19, 34, 38]);
    assert.equal(teachers.length, 6);
  });

  it('synthesizes the same images from any checkpoint', async () => {
    const payload = synthesisPayload(world, undisturbed.pool);
    const result = await assertResumable((context) => synthesize(payload, context), [3, 6, 9]);
    assert.deepEqual(result, undisturbed.synthesis);
  });

  it('synthesizes the same images from any checkpoint where moments are remembered', async () => {
    const payload = synthesisPayload(world, undisturbed.pool, { momentsMemory: 0.8, teachersPerStep: 2 });
    const result = await assertResumable((context) => synthesize(payload, context), [3, 6, 9]);
    assert.notEqual(result.images.digest, undisturbed.synthesis.images.digest);
  });

  it('labels the same views from any checkpoint', async () => {
    const payload = labelingPayload(world, undisturbed.teachers, [undisturbed.synthesis.images]);
    const run = (context: KeptContext) => label(payload, context);
    assert.deepEqual(await assertResumable(run, [0, 100, 101]), undisturbed.labelled);
    for (const topK of [0, 1]) {
      const short = { ...payload, config: { ...payload.config, topK, fkdSteps: 3 } };
      await assertResumable((context) => label(short, context), [0, 1, 2, 3], true);
    }
  });

  it('labels the same samples from the middle of a pass over many', async () => {
    const many = Array.from({ length: 20 }, () => undisturbed.synthesis.images);
    const payload = labelingPayload(world, undisturbed.teachers, many);
    const short = { ...payload, config: { ...payload.config, fkdSteps: 1 } };
    const run = (context: KeptContext) => label(short, context);
    // Of 480 samples after the first 250, and after all of them.
    await assertResumable(run, [0, 0, 1], true);
    await assertResumable(run, [0, 1]);
  });

  it('labels again what was begun where that is damaged or gone', async () => {
    const payload = labelingPayload(world, undisturbed.teachers, [undisturbed.synthesis.images]);
    const short = { ...payload, config: { ...payload.config, fkdSteps: 3 } };
    const whole = { ...keptContext(world.store), stopping: () => true };
    const result = await label(short, whole);
    const begun = whole.checkpoints.find(({ step }) => step === 2)?.bytes;
    const { key } = (JSON.parse(begun?.toString() ?? '') as { begun: { key: string } }).begun;
    await world.store.put(key, Buffer.from('damaged'));
    assert.deepEqual(await label(short, keptContext(world.store, begun)), result);
    await world.store.delete(key);
    assert.deepEqual(await label(short, keptContext(world.store, begun)), result);
  });

  it('labels anew where a file that the checkpoint names is gone', async () => {
    const payload = labelingPayload(world, undisturbed.teachers, [undisturbed.synthesis.images]);
    const whole = keptContext(world.store);
    const result = await label(payload, whole);
    const last = whole.checkpoints.at(-1)?.bytes;
    await world.store.delete(result.static.key);
    assert.deepEqual(await label(payload, keptContext(world.store, last)), result);
    assert.notEqual(await world.store.stat(result.static.key), null);
  });

  it('measures the same statistics from any checkpoint', async () => {
    const big = await tinyWorld({ height: 8, width: 8, channels: 1 }, 300);
    const { teachers } = await trainPool(poolPayload(big), keptContext(big.store));
    const payload = { dataset: big.dataset, teacher: teachers[0] as (typeof teachers)[number] };
    const run = (context: KeptContext) => computeStatistics(payload, { ...context, store: big.store });
    await assertResumable(run, [250, 500, 750], true);
    await assertResumable(run, []);
    await big.close();
  });

  it('goes on to the same bits from every single step, at which a worker that stops has it saved', async () => {
    const steps = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
    await assertResumable((context) => trainPool(poolPayload(world), context), steps(8), true);
    const payload = synthesisPayload(world, undisturbed.pool, { momentsMemory: 0.8 });
    await assertResumable((context) => synthesize(payload, context), steps(11), true);
    const students = { ...evaluationPayload(world, undisturbed.teachers), labelKinds: ['SOFT' as const] };
    const evaluation = async (context: KeptContext) =>
      (await evaluate(students, context)).results.map(({ seconds: _, ...result }) => result);
    await assertResumable(evaluation, steps(24), true);
  });

  it('trains the same students to the same accuracies from any checkpoint, with either kind of labels', async () => {
    const payload = evaluationPayload(world, undisturbed.teachers);
    const results = await assertResumable(
      async (context) => {
        const { results } = await evaluate(payload, context);
        return results.map(({ seconds: _, ...result }) => result);
      },
      [10, 20, 35, 45],
    );
    assert.deepEqual(
      results.map(({ labelKind }) => labelKind),
      ['HARD', 'SOFT'],
    );
  });

  it('gives the same bytes in another process', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [child]);
    assert.deepEqual(JSON.parse(stdout), undisturbed);
  });

  it('gives other bytes with another seed', async () => {
    const payload = { ...synthesisPayload(world, undisturbed.pool), seed: 99 };
    const other = await synthesize(payload, keptContext(world.store));
    assert.notEqual(other.images.digest, undisturbed.synthesis.images.digest);
  });
});
