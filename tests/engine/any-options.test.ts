import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { pickLabelTeachers, planSynthesis } from '../../src/domain/task-planning.js';
import { evaluate } from '../../workers/jobs/evaluation.js';
import { label } from '../../workers/jobs/labeling.js';
import { trainPool } from '../../workers/jobs/pool-training.js';
import { publish } from '../../workers/jobs/publishing.js';
import { synthesize } from '../../workers/jobs/synthesis.js';
import { anyOptions } from '../support/any-options.js';
import { type TinyWorld, tinyWorld } from '../support/tiny-engine.js';
import { type KeptContext, keptContext, withStatistics } from '../support/tiny-jobs.js';

const CLASSES = 3;
/** The same options in every run; more of them, or others, to look further. */
const SEARCH = {
  numRuns: Number(process.env.TEDDYHUB_TEST_OPTIONS ?? 20),
  seed: Number(process.env.TEDDYHUB_TEST_SEED ?? 1),
};

/** Runs a job, and again from one of the checkpoints that a worker about to stop would have made: the answers must be equal. */
async function twice<R>(world: TinyWorld, resumed: number, run: (context: KeptContext) => Promise<R>): Promise<R> {
  const whole = { ...keptContext(world.store), stopping: () => true };
  const result = await run(whole);
  const { length } = whole.checkpoints;
  if (length > 0) {
    const from = whole.checkpoints[resumed % length] as KeptContext['checkpoints'][number];
    assert.deepEqual(await run(keptContext(world.store, from.bytes)), result, `resumed at step ${from.step}`);
  }
  return result;
}

const isPercent = (value: number) => assert.ok(value >= 0 && value <= 100, `${value} is no percent`);

describe('the jobs of the main path, whatever options of the schemas they are given', () => {
  it('make a set of the size that was asked for and students on it, and resume to the same', async () => {
    await fc.assert(
      fc.asyncProperty(anyOptions, async ({ shape, pool, run, recipe, labelKinds, seed, resumed }) => {
        const world = await tinyWorld(shape, 12);
        try {
          const { dataset, store } = world;
          const trained = { dataset, config: pool, imported: [], seed };
          const { teachers } = await twice(world, resumed, (context) => trainPool(trained, context));
          for (const { accuracy } of teachers) isPercent(accuracy);
          const matched = await withStatistics(world, teachers);

          const images = [];
          let samples = 0;
          for (const slice of planSynthesis(run.synthesis, dataset, matched)) {
            const task = { dataset, teachers: matched, config: run.synthesis, seed, ...slice };
            const made = await twice(world, resumed, (context) => synthesize(task, context));
            assert.ok(Number.isFinite(made.finalLoss));
            images.push(made.images);
            samples += made.samples;
          }
          const { imagesPerClass, formation } = run.synthesis;
          assert.equal(samples, CLASSES * imagesPerClass * formation ** 2);

          const labelTeachers = pickLabelTeachers(teachers, run.labels);
          const toLabel = { dataset, teachers: labelTeachers, images, formation, config: run.labels, seed };
          const labelled = await twice(world, resumed, (context) => label(toLabel, context));
          const published = await publish(
            {
              dataset,
              runId: crypto.randomUUID(),
              distilledSetId: crypto.randomUUID(),
              name: 'any',
              licence: null,
              datasetName: 'squares',
              teachers: matched,
              labelTeachers,
              images,
              labels: labelled,
              synthesis: run.synthesis,
              labelConfig: run.labels,
              seed,
            },
            keptContext(store),
          );
          assert.equal(published.samples, samples);

          for (const subject of ['DISTILLED_SET', 'RANDOM_REAL', 'REAL_CROPS'] as const) {
            const isSet = subject === 'DISTILLED_SET';
            const students = {
              dataset,
              labelTeachers,
              subject,
              imagesPerClass,
              shards: isSet ? published.shards : [],
              fkd: isSet ? published.fkd : [],
              labelConfig: run.labels,
              recipe,
              labelKinds,
              seed,
            };
            const results = await twice(world, resumed, async (context) =>
              (await evaluate(students, context)).results.map(({ seconds: _, ...result }) => result),
            );
            assert.deepEqual(
              results.map(({ labelKind }) => labelKind),
              labelKinds,
            );
            for (const { top1Last, top5Best } of results) [top1Last, top5Best].forEach(isPercent);
          }
        } finally {
          await world.close();
        }
      }),
      SEARCH,
    );
  });
});
