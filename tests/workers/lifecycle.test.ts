import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { z } from 'zod';
import { activationBytes } from '../../src/domain/architectures.js';
import { architectureConfig } from '../../src/domain/config/architecture.js';
import { evaluationConfig } from '../../src/domain/config/evaluation.js';
import { runConfig, synthesisConfig } from '../../src/domain/config/run.js';
import { newId } from '../../src/domain/ids.js';
import { canMove, isTerminal, RUN_STATES } from '../../src/domain/run-lifecycle.js';
import {
  countSynthesisTasks,
  pickLabelTeachers,
  planEvaluation,
  planSynthesis,
  STAGES,
  stageAfter,
} from '../../src/domain/task-planning.js';

const ALLOWED = new Set([
  'QUEUED>PREPARING',
  'QUEUED>SYNTHESIZING',
  'QUEUED>LABELING',
  'QUEUED>PUBLISHING',
  'PREPARING>SYNTHESIZING',
  'SYNTHESIZING>LABELING',
  'LABELING>PUBLISHING',
  'PUBLISHING>SUCCEEDED',
  'CANCELING>CANCELED',
  ...['QUEUED', 'PREPARING', 'SYNTHESIZING', 'LABELING', 'PUBLISHING'].flatMap((from) => [
    `${from}>CANCELING`,
    `${from}>FAILED`,
  ]),
]);

describe('the life of a run', () => {
  for (const from of RUN_STATES) {
    for (const to of RUN_STATES) {
      const allowed = ALLOWED.has(`${from}>${to}`);
      it(`${allowed ? 'allows' : 'forbids'} ${from} -> ${to}`, () => {
        assert.equal(canMove(from, to), allowed);
      });
    }
  }

  it('ends in exactly the states that allow no move', () => {
    assert.deepEqual(RUN_STATES.filter(isTerminal), ['SUCCEEDED', 'CANCELED', 'FAILED']);
  });

  it('has its stages in an order that the moves allow', () => {
    for (const stage of STAGES) {
      const next = stageAfter(stage)?.state ?? 'SUCCEEDED';
      assert.ok(canMove(stage.state, next), `${stage.state} -> ${next}`);
    }
  });
});

describe('the planner', () => {
  const datasetOf = (classes: number, side: number) => ({
    classNames: Array.from({ length: classes }, (_, c) => `class ${c}`),
    shape: { height: side, width: side, channels: 3 },
  });
  const poolOf = (...architectures: z.input<typeof architectureConfig>[]) =>
    architectures.map((architecture) => ({ architecture: architectureConfig.parse(architecture) }));
  const plan = (options: z.input<typeof synthesisConfig>, classes = 3, side = 32, teachers = poolOf({ width: 128 })) =>
    planSynthesis(synthesisConfig.parse(options), datasetOf(classes, side), teachers);
  /** Of a task, counting every cell. */
  const samplesOf = ({ classes, imagesPerClass }: ReturnType<typeof plan>[number], formation = 1) =>
    classes.length * imagesPerClass * formation ** 2;

  it('takes a small set whole', () => {
    const whole = { taskIndex: 0, classes: [0, 1, 2], firstImage: 0 };
    assert.deepEqual(plan({ imagesPerClass: 10 }), [{ ...whole, imagesPerClass: 10 }]);
    assert.deepEqual(plan({ imagesPerClass: 1 }), [{ ...whole, imagesPerClass: 1 }]);
  });

  it('gives the last task what is left', () => {
    assert.deepEqual(
      plan({ imagesPerClass: 10, imagesPerClassPerTask: 4 }).map((slice) => [slice.firstImage, slice.imagesPerClass]),
      [
        [0, 4],
        [4, 4],
        [8, 2],
      ],
    );
  });

  it('deals the classes out in turns where a task is to make some of them alone', () => {
    assert.deepEqual(
      plan({ imagesPerClass: 3, imagesPerClassPerTask: 2, classesPerTask: 2 }, 5).map((slice) => [
        slice.taskIndex,
        slice.classes,
        slice.firstImage,
        slice.imagesPerClass,
      ]),
      [
        [0, [0, 3], 0, 2],
        [1, [1, 4], 0, 2],
        [2, [2], 0, 2],
        [3, [0, 3], 2, 1],
        [4, [1, 4], 2, 1],
        [5, [2], 2, 1],
      ],
    );
  });

  it('makes exactly the images that were asked for, in tasks of their own index', () => {
    for (const imagesPerClass of [1, 2, 7, 30]) {
      for (const imagesPerClassPerTask of [1, 3, 12]) {
        for (const classesPerTask of [0, 1, 2, 3, 7]) {
          const slices = plan({ imagesPerClass, imagesPerClassPerTask, classesPerTask }, 7);
          const made = slices.flatMap(({ classes, firstImage, imagesPerClass: n }) =>
            classes.flatMap((c) => Array.from({ length: n }, (_, i) => `${c}/${firstImage + i}`)),
          );
          assert.equal(made.length, 7 * imagesPerClass);
          assert.equal(new Set(made).size, made.length);
          assert.ok(slices.every((slice, index) => slice.taskIndex === index && slice.imagesPerClass > 0));
          const config = synthesisConfig.parse({ imagesPerClass, imagesPerClassPerTask, classesPerTask });
          assert.equal(countSynthesisTasks(config, datasetOf(7, 32), poolOf({ width: 128 })), slices.length);
        }
      }
    }
  });

  it('keeps the activations of a task within bounds, whatever the set, the images, the networks and the options', () => {
    const mixed = poolOf({ width: 16 }, { name: 'RESNET50' });
    for (const imagesPerClass of [1, 10, 50]) {
      for (const [classes, side] of [
        [10, 32],
        [200, 64],
        [1000, 224],
      ] as const) {
        for (const [formation, teachersPerStep] of [
          [1, 1],
          [2, 3],
        ] as const) {
          const slices = plan({ imagesPerClass, formation, teachersPerStep }, classes, side, mixed);
          const bytes = activationBytes(mixed[1]!.architecture, datasetOf(classes, side).shape);
          for (const slice of slices) {
            assert.ok(samplesOf(slice, formation) * bytes * teachersPerStep <= 8 * 2 ** 30);
          }
          const total = slices.reduce((sum, slice) => sum + samplesOf(slice), 0);
          assert.equal(total, classes * imagesPerClass);
        }
      }
    }
  });

  it('takes the sets of the benchmarks whole, and larger ones where a run asks for them', () => {
    assert.equal(plan({ imagesPerClass: 10, formation: 2 }, 10, 32).length, 1);
    assert.equal(plan({ imagesPerClass: 10, formation: 2 }, 10, 32, poolOf({ name: 'RESNET18' })).length, 1);
    const large = { imagesPerClass: 10, classesPerTask: 1000 };
    assert.equal(plan(large, 1000, 224, poolOf({ name: 'RESNET50' })).length, 1);
  });

  it('rather cuts images than classes, which moments want many of', () => {
    const [first] = plan({ imagesPerClass: 10 }, 100, 64, poolOf({ name: 'RESNET18' }));
    assert.deepEqual([first?.classes.length, first?.imagesPerClass], [100, 1]);
  });

  it('makes even one sample where it is larger than the bounds', () => {
    const [first] = plan({ imagesPerClass: 1, formation: 2 }, 10, 1024, poolOf({ name: 'RESNET101' }));
    assert.deepEqual([first?.classes, first?.imagesPerClass], [[0], 1]);
  });

  it('labels with the best trained teachers, and of equals with the earlier', () => {
    const trained = [50, 70, 60, 70].map((accuracy, index) => ({ kind: 'EARLY_EPOCH' as const, accuracy, index }));
    const teachers = [...trained, { kind: 'RANDOM_INIT' as const, accuracy: 80, index: 4 }];
    const labels = runConfig.parse({ labels: { ensembleSize: 3 } }).labels;
    assert.deepEqual(
      pickLabelTeachers(teachers, labels).map((teacher) => teacher.index),
      [1, 3, 2],
    );
    assert.equal(pickLabelTeachers(teachers, { ...labels, ensembleSize: 16 }).length, 4);
  });

  it('trains one student a subject, seed and kind of label, whatever is named twice', () => {
    const config = evaluationConfig.parse({
      seeds: [3, 1, 3],
      baselines: ['RANDOM_REAL', 'RANDOM_REAL'],
      labelKinds: ['SOFT', 'HARD', 'SOFT'],
    });
    const labelKinds = ['SOFT', 'HARD'];
    assert.deepEqual(planEvaluation(config), [
      { subject: 'DISTILLED_SET', seed: 3, labelKinds },
      { subject: 'RANDOM_REAL', seed: 3, labelKinds },
      { subject: 'DISTILLED_SET', seed: 1, labelKinds },
      { subject: 'RANDOM_REAL', seed: 1, labelKinds },
    ]);
  });

  it('trains on the whole split with hard labels alone', () => {
    const config = evaluationConfig.parse({ seeds: [3], baselines: ['FULL_REAL'], labelKinds: ['SOFT'] });
    assert.deepEqual(planEvaluation(config)[1], { subject: 'FULL_REAL', seed: 3, labelKinds: ['HARD'] });
  });
});

describe('an identifier', () => {
  it('is a UUID v7 that sorts by time', () => {
    const ids = [1, 2, 3].map((second) => newId(Date.UTC(2026, 0, 1, 0, 0, second)));
    for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.deepEqual([...ids].sort(), ids);
  });
});
