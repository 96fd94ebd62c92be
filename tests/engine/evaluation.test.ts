import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { labelConfig, synthesisConfig } from '../../src/domain/config/run.js';
import { TeddyhubError } from '../../src/domain/errors.js';
import type { JobPayload, JobResult } from '../../src/domain/jobs/contracts.js';
import { pixelsAt } from '../../src/formats/dataset-splits.js';
import { readDistilledShards } from '../../src/formats/distilled-shards.js';
import { floatsOf } from '../../src/formats/float16.js';
import { decodeLabels } from '../../src/formats/labels.js';
import { evaluate } from '../../workers/jobs/evaluation.js';
import { label } from '../../workers/jobs/labeling.js';
import { publish } from '../../workers/jobs/publishing.js';
import { BATCHES, labellerOf } from '../../workers/jobs/student-batches.js';
import { labelViews } from '../../workers/teddy/labels.js';
import { failureWith } from '../support/failure.js';
import { type TinyWorld, tinyWorld } from '../support/tiny-engine.js';
import {
  evaluationPayload,
  keptContext,
  labelingPayload,
  runPipeline,
  synthesisPayload,
} from '../support/tiny-jobs.js';

describe('evaluation of a published set', () => {
  let world: TinyWorld;
  let made: Awaited<ReturnType<typeof runPipeline>>;
  let set: JobResult<'PUBLISHING'>;
  let payload: JobPayload<'EVALUATION'>;

  before(async () => {
    world = await tinyWorld({ height: 8, width: 8, channels: 1 });
    made = await runPipeline(world);
    const { config } = synthesisPayload(world, made.pool);
    const labeling = labelingPayload(world, made.teachers, [made.synthesis.images]);
    set = await publish(
      {
        runId: '018f0000-0000-7000-8000-000000000001',
        distilledSetId: '018f0000-0000-7000-8000-000000000002',
        name: 'tiny',
        licence: null,
        dataset: world.dataset,
        datasetName: 'tiny',
        teachers: made.pool,
        labelTeachers: labeling.teachers,
        images: labeling.images,
        labels: made.labelled,
        synthesis: synthesisConfig.parse(config),
        labelConfig: labelConfig.parse(labeling.config),
        seed: 3,
      },
      keptContext(world.store),
    );
    payload = {
      ...evaluationPayload(world, made.teachers),
      subject: 'DISTILLED_SET',
      imagesPerClass: config.imagesPerClass,
      shards: set.shards,
      fkd: made.labelled.fkd,
    };
  });
  after(() => world.close());

  const accuracies = async (changes: Partial<JobPayload<'EVALUATION'>> = {}) => {
    const { results } = await evaluate({ ...payload, ...changes }, keptContext(world.store));
    return results.map(({ seconds: _, ...result }) => result);
  };

  it('reads shards and stored labels, and gives the same accuracies again', async () => {
    const results = await accuracies();
    assert.deepEqual(
      results.map(({ labelKind, studentSteps }) => [labelKind, studentSteps]),
      [
        ['HARD', payload.recipe.steps],
        ['SOFT', payload.recipe.steps],
      ],
    );
    for (const { top1Last, top1Best, top5Last, top5Best, readings } of results) {
      assert.equal(readings.length, payload.recipe.accuracyReadings);
      assert.ok(readings.every(({ step }, i) => step > (readings[i - 1]?.step ?? 0)));
      assert.deepEqual(readings.at(-1), { step: payload.recipe.steps, top1: top1Last, top5: top5Last });
      assert.equal(Math.max(...readings.map(({ top1 }) => top1)), top1Best);
      assert.ok(top1Last <= top1Best && top1Best <= top5Best && top5Last <= top5Best && top5Best <= 100);
    }
    assert.deepEqual(await accuracies(), results);
  });

  it('trains on the stored labels and not on labels of its own', async () => {
    const losses = async (fkd: typeof payload.fkd) => {
      const context = keptContext(world.store);
      await evaluate({ ...payload, fkd, labelKinds: ['SOFT'] }, context);
      return [...context.losses.values()];
    };
    const labeling = labelingPayload(world, made.teachers, [made.synthesis.images]);
    const other = await label({ ...labeling, seed: labeling.seed + 1 }, keptContext(world.store));
    assert.notDeepEqual(await losses(other.fkd), await losses(made.labelled.fkd));
  });

  it('reads a file of stored views only when its first is due, as all of a long student do not fit in memory', async () => {
    const read: [key: string, step: number][] = [];
    const context = keptContext(world.store);
    const get = (key: string) => {
      if (made.labelled.fkd.some((file) => file.key === key)) read.push([key, context.losses.size]);
      return world.store.get(key);
    };
    const recipe = { ...payload.recipe, steps: 102 };
    await evaluate({ ...payload, recipe, labelKinds: ['SOFT'] }, { ...context, store: { ...world.store, get } });
    const [first, second] = made.labelled.fkd.map(({ key }) => ({ key })) as [{ key: string }, { key: string }];
    assert.deepEqual(read, [
      [first.key, 0],
      [second.key, 100],
      [first.key, 101],
    ]);
  });

  it('goes on in the file of its step, and reads none before it', async () => {
    const read: string[] = [];
    const get = (key: string) => {
      read.push(key);
      return world.store.get(key);
    };
    const images = await readDistilledShards(world.store, set.shards);
    const context = { ...keptContext(world.store), store: { ...world.store, get } };
    const batchAt = await BATCHES.SOFT(payload, context, images, labellerOf(payload, context));
    const [first, second] = made.labelled.fkd as [(typeof payload.fkd)[number], (typeof payload.fkd)[number]];
    const [, later] = decodeLabels(await world.store.get(first.key)).batches;
    assert.deepEqual(await batchAt(1 + 5 * 101), { kind: 'SOFT', views: later });
    const [last] = decodeLabels(await world.store.get(second.key)).batches;
    assert.deepEqual(await batchAt(100 + 6 * 101), { kind: 'SOFT', views: last });
    assert.deepEqual(read, [first.key, second.key]);
  });

  it('trains on the labels of a share of the steps, cut to the largest, where that is what is stored', async () => {
    const labeling = labelingPayload(world, made.teachers, [made.synthesis.images]);
    const config = { ...labeling.config, keptShare: 0.1, topK: 2 };
    const { fkd } = await label({ ...labeling, config }, keptContext(world.store));
    const files = await Promise.all(fkd.map(async ({ key }) => decodeLabels(await world.store.get(key))));
    const stored = files.flatMap(({ batches }) => batches);
    assert.equal(stored.length, 11);
    const context = keptContext(world.store);
    const cut = { ...payload, fkd, labelConfig: config };
    const images = await readDistilledShards(world.store, set.shards);
    const batchAt = await BATCHES.SOFT(cut, context, images, labellerOf(cut, context));
    assert.deepEqual(await batchAt(11 + 3), { kind: 'SOFT', views: stored[3] });
    const losses = async (changes: Partial<typeof payload>) => {
      await evaluate({ ...payload, ...changes, labelKinds: ['SOFT'] }, context);
      return [...context.losses.values()];
    };
    assert.notDeepEqual(await losses({ fkd, labelConfig: config }), await losses({}));
  });

  it('reads a set from a file of the job where it is too large for memory, to the same pixels', async () => {
    const whole = await readDistilledShards(world.store, set.shards);
    const { images, ...rest } = await readDistilledShards(world.store, set.shards, {
      scratch: world.folder,
      mostInMemory: 1,
    });
    assert.ok(!(images instanceof Uint8Array));
    const pixels = Uint8Array.from(pixelsAt(images, 0, whole.images.length));
    assert.deepEqual({ ...rest, images: pixels }, whole);
  });

  it('measures the average of the weights where the recipe asks for it', async () => {
    const averaged = await accuracies({ labelKinds: ['HARD'] });
    const plain = await accuracies({ labelKinds: ['HARD'], recipe: { ...payload.recipe, averageDecay: 0 } });
    assert.notDeepEqual(averaged, plain);
  });

  it('trains baselines on crops of real images, and on the whole training split with hard labels', async () => {
    const crops = await accuracies({ subject: 'REAL_CROPS', shards: [], fkd: [] });
    assert.deepEqual(
      crops.map(({ labelKind }) => labelKind),
      ['HARD', 'SOFT'],
    );
    const [whole] = await accuracies({ subject: 'FULL_REAL', shards: [], fkd: [], labelKinds: ['HARD'] });
    assert.ok((whole?.top1Last ?? 0) > 40, 'three classes, learnt from all images');
  });

  it('trains on whole images under no augmentation where asked to, of the set and of real images', async () => {
    const plain = { labelKinds: ['SOFT_PLAIN' as const], fkd: [] };
    const of = async (changes: Partial<JobPayload<'EVALUATION'>>) => {
      const context = keptContext(world.store);
      await evaluate({ ...payload, ...plain, ...changes }, context);
      return [...context.losses.values()];
    };
    const losses = await of({});
    assert.ok(losses.length > 0);
    // Crops, mixes and the largest logits that labels were stored with decide nothing here.
    const stored = { ...payload.labelConfig, cropScaleMin: 0.9, mix: 'NONE', topK: 1 } as const;
    assert.deepEqual(await of({ labelConfig: stored }), losses);
    assert.notDeepEqual(await of({ subject: 'RANDOM_REAL', shards: [] }), losses);
  });

  it('gives whole images the very logits that the ensemble has for them', async () => {
    const images = await readDistilledShards(world.store, set.shards);
    const { shape } = world.dataset;
    const studentSet = { ...images, channels: shape.channels };
    const context = keptContext(world.store);
    const labellerOfJob = labellerOf(payload, context);
    const batchAt = await BATCHES.SOFT_PLAIN(payload, context, studentSet, labellerOfJob);
    for (const step of [0, 7]) {
      const batch = await batchAt(step);
      if (batch.kind !== 'SOFT') assert.fail();
      const { views } = batch;
      const whole = [...views.sample].flatMap(() => [0, 0, shape.height - 1, shape.width - 1]);
      assert.deepEqual([...views.box], whole);
      assert.ok(views.flip.every((flipped) => flipped === 0));
      const asked = floatsOf(labelViews(await labellerOfJob(), studentSet, views, 0).logits);
      floatsOf(views.logits).forEach((logit, i) => {
        assert.ok(
          Math.abs(logit - (asked[i] as number)) <= 2e-3 * (1 + Math.abs(logit)),
          `${logit} is not ${asked[i]}`,
        );
      });
    }
  });

  it('trains with the one stored vector of a sample for whatever is seen of it, where asked to', async () => {
    const images = await readDistilledShards(world.store, set.shards);
    const stored = images.staticLogits ?? assert.fail();
    const { dataset } = world;
    const studentSet = { ...images, channels: dataset.shape.channels };
    const context = keptContext(world.store);
    const batchAt = await BATCHES.STATIC(payload, context, studentSet, labellerOf(payload, context));
    const classes = dataset.classNames.length;
    for (const step of [0, 7]) {
      const batch = await batchAt(step);
      if (batch.kind !== 'SOFT') assert.fail();
      const { sample, logits, mixBox, lambda, partner } = batch.views;
      assert.equal(lambda, 1);
      assert.ok(partner.every((other, i) => other === i) || mixBox.every((side) => side === 0));
      const rows = [...sample].flatMap((i) => [...stored.subarray(i * classes, (i + 1) * classes)]);
      assert.deepEqual(floatsOf(logits), Float32Array.from(rows));
    }
    const labelKinds: ['STATIC'] = ['STATIC'];
    const [ofSet] = await accuracies({ labelKinds, fkd: [], labelTeachers: [made.pool[0] as never] });
    // A set brings its own: who would label now is of no account.
    assert.deepEqual([ofSet], await accuracies({ labelKinds, fkd: [] }));
    const [ofReal] = await accuracies({ labelKinds, subject: 'RANDOM_REAL', shards: [], fkd: [] });
    assert.equal(ofReal?.labelKind, 'STATIC');
    const unasked = () => assert.fail('nobody is to label');
    const lacking = BATCHES.STATIC(payload, context, { ...studentSet, staticLogits: null }, unasked);
    await assert.rejects(lacking, failureWith('INVALID_INPUT', 'no STATIC labels'));
  });

  it('refuses a recipe whose batches are not those of the labels', async () => {
    const recipe = { ...payload.recipe, batchSize: 16 };
    const refused = (error: unknown) => error instanceof TeddyhubError && error.code === 'INVALID_INPUT';
    await assert.rejects(accuracies({ recipe }), refused);
  });

  it('refuses a shard whose bytes were changed on disk, and names it', async () => {
    const [shard] = set.shards as [(typeof set.shards)[number]];
    const bytes = await world.store.get(shard.key);
    const changed = Buffer.from(bytes);
    changed[600] = (changed[600] as number) ^ 1;
    const path = join(world.folder, 'objects', shard.key);
    await writeFile(path, changed);
    try {
      await assert.rejects(
        accuracies(),
        (error) =>
          error instanceof TeddyhubError && error.code === 'OBJECT_CORRUPT' && error.message.includes(shard.key),
      );
    } finally {
      // The set is that of the other tests as well.
      await writeFile(path, bytes);
    }
  });
});
