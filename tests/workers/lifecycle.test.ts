import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { evaluationConfig, runConfig, synthesisConfig } from '../../src/domain/config.js';
import { newId } from '../../src/domain/ids.js';
import { canMove, isTerminal, RUN_STATES, statesBefore } from '../../src/domain/run-lifecycle.js';
import {
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
        assert.equal(statesBefore(to).includes(from), allowed);
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
  const plan = (imagesPerClass: number, imagesPerClassPerTask: number) =>
    planSynthesis(synthesisConfig.parse({ imagesPerClass, imagesPerClassPerTask }));

  it('takes a small set whole', () => {
    assert.deepEqual(plan(10, 10), [{ taskIndex: 0, imagesPerClass: 10 }]);
    assert.deepEqual(plan(1, 10), [{ taskIndex: 0, imagesPerClass: 1 }]);
  });

  it('gives the last task what is left', () => {
    assert.deepEqual(
      plan(10, 4).map((slice) => slice.imagesPerClass),
      [4, 4, 2],
    );
  });

  it('makes exactly the images that were asked for, in tasks of their own index', () => {
    for (let imagesPerClass = 1; imagesPerClass <= 30; imagesPerClass++) {
      for (let perTask = 1; perTask <= 12; perTask++) {
        const slices = plan(imagesPerClass, perTask);
        assert.equal(
          slices.reduce((sum, slice) => sum + slice.imagesPerClass, 0),
          imagesPerClass,
        );
        assert.ok(slices.every((slice, index) => slice.taskIndex === index && slice.imagesPerClass > 0));
      }
    }
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

  it('trains one student a subject and seed, whatever is named twice', () => {
    const config = evaluationConfig.parse({ seeds: [3, 1, 3], baselines: ['RANDOM_REAL', 'RANDOM_REAL'] });
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
