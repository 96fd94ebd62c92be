import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { LABEL_KINDS } from '../../src/domain/config/evaluation.js';
import { compare, rank } from '../../src/modules/evaluation/summary.js';
import { toGlobalId } from '../../src/modules/kit/node.js';
import { putByDigest } from '../../src/platform/object-store/object-store.js';
import { startRun } from '../../src/platform/orchestration/index.js';
import { workOff } from '../support/by-hand.js';
import { blocked, whileLocked } from '../support/locks.js';
import { seedDataset, seedPool, seedRun } from '../support/seeds.js';
import { until } from '../support/until.js';
import { at, create, errorsOf, listAt, openApi, type TestApi, textAt } from './server.js';

let api: TestApi;
before(async () => {
  api = await openApi();
});
after(() => api.close());

describe('a finished run', () => {
  let setId: string;
  let uuid: string;

  before(async () => {
    const { database, queue, store } = api.world;
    const dataset = await seedDataset(database, api.project);
    const pool = await seedPool(database, dataset);
    const payload = await create(api, 'distillationRunStart', {
      name: 'whole',
      datasetId: toGlobalId('Dataset', dataset.id),
      teacherPoolId: toGlobalId('TeacherPool', pool.id),
      config: { synthesis: { imagesPerClass: 2 }, labels: { fkdSteps: 50, fkdBatchSize: 10 } },
    });
    const runId = Buffer.from(textAt(payload, 'distillationRun.id'), 'base64url').toString().split(':')[1]!;
    await workOff({ database, queue }, { runId });
    const set = await database.distilledSet.findUniqueOrThrow({
      where: { runId },
      include: { shards: true, labelSets: { include: { files: true } } },
    });
    uuid = set.id;
    setId = toGlobalId('DistilledSet', uuid);
    // The results were made up by hand: give every row an object that is really there.
    const put = (text: string) => putByDigest(store, 'labels', Buffer.from(text), '.bin');
    for (const shard of set.shards) {
      const { key: objectKey, digest, bytes } = await put(`shard ${shard.id}`);
      await database.distilledShard.update({ where: { id: shard.id }, data: { objectKey, digest, bytes } });
    }
    for (const file of set.labelSets.flatMap((labels) => labels.files)) {
      const { key: objectKey, digest, bytes } = await put(`labels ${file.id}`);
      await database.labelFile.update({ where: { id: file.id }, data: { objectKey, digest, bytes } });
    }
    const manifest = await put('{}');
    await database.distilledSet.update({
      where: { id: uuid },
      data: { manifestKey: manifest.key, manifestDigest: manifest.digest },
    });
  });

  const publish = () =>
    api.mutate('distilledSetPublish', 'DistilledSetPublishInput', 'distilledSet { state publishedAt }', { id: setId });

  it('shows its set, with shards, labels and where to fetch them', async () => {
    const query = `query ($id: ID!) { distilledSet(id: $id) { state uuid manifestUrl digest imagesPerClass
      shards(first: 9) { nodes { name bytes digest samples } } labelSets { mode config { fkdSteps } files(first: 9) { nodes { name bytes } } } distillationRun { state progress { fraction } } } }`;
    const { data, errors } = await api.send(query, { id: setId });
    assert.deepEqual(errors, []);
    assert.equal(at(data, 'distilledSet.manifestUrl'), `/v1/distilled-sets/${uuid}/manifest.json`);
    assert.deepEqual(at(data, 'distilledSet.distillationRun'), { state: 'SUCCEEDED', progress: { fraction: 1 } });
    assert.deepEqual(
      listAt(data, 'distilledSet.labelSets')
        .map((labels) => at(labels, 'mode'))
        .sort(),
      ['FKD', 'STATIC'],
    );
  });

  it('is not published while an object is missing or changed, and names it', async () => {
    const { database, store } = api.world;
    const { objectKey } = await database.distilledShard.findFirstOrThrow({ where: { distilledSetId: uuid } });
    const bytes = await store.get(objectKey);
    await store.put(objectKey, Buffer.alloc(bytes.length));
    const corrupt = await publish();
    assert.deepEqual(errorsOf(corrupt), [['OBJECT_CORRUPT', 'id']]);
    assert.ok(textAt(corrupt, 'userErrors.0.message').includes(objectKey));
    await store.delete(objectKey);
    assert.deepEqual(errorsOf(await publish()), [['OBJECT_MISSING', 'id']]);
    await store.put(objectKey, bytes);
  });

  it('is not published when it is archived while its objects are looked at', async () => {
    const { database, databaseUrl } = api.world;
    const archive = `UPDATE "DistilledSet" SET state = 'ARCHIVED' WHERE id = '${uuid}'`;
    const { answer } = await whileLocked(databaseUrl, archive, async () => {
      const answer = publish();
      await until('it waits', async () => (await blocked(database)) > 0);
      return { answer };
    });
    assert.deepEqual(errorsOf(await answer), [['INVALID_STATE', 'id']]);
    await database.distilledSet.update({ where: { id: uuid }, data: { state: 'STAGING' } });
  });

  it('is published once, and stays so', async () => {
    const first = await publish();
    assert.deepEqual([errorsOf(first), at(first, 'distilledSet.state')], [[], 'PUBLISHED']);
    assert.equal(at(await publish(), 'distilledSet.publishedAt'), at(first, 'distilledSet.publishedAt'));
    assert.equal(
      await api.world.database.auditEvent.count({ where: { subjectId: uuid, action: 'distilledSetPublish' } }),
      1,
    );
  });

  const evaluate = (recipe: Record<string, unknown>, rest: Record<string, unknown> = {}) =>
    create(api, 'evaluationStart', { distilledSetId: setId, config: { recipe, ...rest } });

  it('is evaluated by the network of its best labelling teacher, in steps and batches of its labels, unless asked otherwise', async () => {
    const width = 24;
    await api.world.database.teacher.updateMany({
      where: { pool: { runs: { some: { distilledSet: { id: uuid } } } }, accuracy: 60 },
      data: { architecture: { name: 'CONVNET', width, depth: 2 } },
    });
    const recipeOf = async (config: Record<string, unknown> | null) => {
      const payload = await create(api, 'evaluationStart', { distilledSetId: setId, config });
      assert.deepEqual(errorsOf(payload), []);
      const query =
        'query ($id: ID!) { evaluation(id: $id) { config { recipe { steps batchSize learningRate architecture { width depth } } } } }';
      return at((await api.send(query, { id: textAt(payload, 'evaluation.id') })).data, 'evaluation.config.recipe');
    };
    const own = { steps: 50, batchSize: 10, learningRate: 0.01, architecture: { width, depth: 2 } };
    assert.deepEqual(await recipeOf(null), own);
    assert.deepEqual(await recipeOf({ seeds: [0], recipe: { steps: 40, batchSize: null } }), { ...own, steps: 40 });
    assert.deepEqual(await recipeOf({ recipe: { architecture: { width: 64 } } }), {
      ...own,
      learningRate: 0.003,
      architecture: { width: 64, depth: 3 },
    });
    assert.deepEqual(errorsOf(await evaluate({ optimizer: 'SGD' })), [['INVALID_INPUT', 'config.recipe.learningRate']]);
  });

  it('answers a request that is sent again with the same evaluation, though it was archived since', async () => {
    const input = { distilledSetId: setId, config: { seeds: [3] }, idempotencyKey: 'sent-twice' };
    const ask = () => api.mutate('evaluationStart', 'EvaluationStartInput', 'evaluation { id }', input);
    const first = textAt(await ask(), 'evaluation.id');
    const { database } = api.world;
    const { state } = await database.distilledSet.findUniqueOrThrow({ where: { id: uuid } });
    await database.distilledSet.update({ where: { id: uuid }, data: { state: 'ARCHIVED' } });
    assert.equal(textAt(await ask(), 'evaluation.id'), first);
    const another = await create(api, 'evaluationStart', { distilledSetId: setId });
    assert.deepEqual(errorsOf(another), [['INVALID_STATE', 'distilledSetId']]);
    await database.distilledSet.update({ where: { id: uuid }, data: { state } });
  });

  it('is evaluated with as many steps as its labels have, and no more', async () => {
    assert.deepEqual(errorsOf(await evaluate({ steps: 51, batchSize: 10 })), [
      ['INVALID_INPUT', 'config.recipe.steps'],
    ]);
    assert.deepEqual(errorsOf(await evaluate({ steps: 50, batchSize: 11 })), [
      ['INVALID_INPUT', 'config.recipe.batchSize'],
    ]);
    const deep = await evaluate({ steps: 50, batchSize: 10, architecture: { depth: 6 } });
    assert.deepEqual(errorsOf(deep), [['UNSUPPORTED_SHAPE', 'config.recipe.architecture']]);
    assert.deepEqual(errorsOf(await evaluate({ steps: 900, batchSize: 11 }, { labelKinds: ['HARD'] })), []);
    assert.deepEqual(errorsOf(await create(api, 'evaluationStart', { distilledSetId: 'nonsense' })), [
      ['NOT_FOUND', 'distilledSetId'],
    ]);
  });

  it('shows results with their summary and the difference to the baseline', async () => {
    const payload = await evaluate({ steps: 50, batchSize: 10 }, { seeds: [0, 1], labelKinds: ['SOFT'] });
    const evaluationId = Buffer.from(textAt(payload, 'evaluation.id'), 'base64url').toString().split(':')[1]!;
    const rows = [
      ['DISTILLED_SET', 0, 80],
      ['DISTILLED_SET', 1, 82],
      ['RANDOM_REAL', 0, 70],
      ['RANDOM_REAL', 1, 74],
    ] as const;
    await api.world.database.evaluationResult.createMany({
      data: rows.map(([subject, seed, top1]) => ({
        ...{ evaluationId, subject, seed, labelKind: 'SOFT' as const },
        ...{ top1Last: top1, top1Best: top1 + 1, top5Last: 99, top5Best: 99.5, studentSteps: 50, seconds: 1 },
        readings: [{ step: 50, top1, top5: 99 }],
      })),
    });
    const query = `query ($id: ID!) { evaluation(id: $id) { results { subject seed top1Last readings { step top1 top5 } }
      summary { subject labelKind seeds top1Last { mean deviation } top5Best { mean } }
      comparisons { baseline labelKind top1Last { mean standardError } top5Last { standardError } }
      ranking { hlr ior lrs } } }`;
    const { data } = await api.send(query, { id: textAt(payload, 'evaluation.id') });
    assert.equal(listAt(data, 'evaluation.results').length, 4);
    assert.deepEqual(at(data, 'evaluation.results.1.readings'), [{ step: 50, top1: 82, top5: 99 }]);
    assert.deepEqual(listAt(data, 'evaluation.summary'), [
      {
        subject: 'DISTILLED_SET',
        labelKind: 'SOFT',
        seeds: 2,
        top1Last: { mean: 81, deviation: Math.SQRT2 },
        top5Best: { mean: 99.5 },
      },
      {
        subject: 'RANDOM_REAL',
        labelKind: 'SOFT',
        seeds: 2,
        top1Last: { mean: 72, deviation: Math.sqrt(8) },
        top5Best: { mean: 99.5 },
      },
    ]);
    assert.ok(Math.abs(Number(at(data, 'evaluation.ranking.ior')) - 0.09) < 1e-12);
    // sqrt(2 / 2 + 8 / 2)
    assert.deepEqual(listAt(data, 'evaluation.comparisons'), [
      {
        baseline: 'RANDOM_REAL',
        labelKind: 'SOFT',
        top1Last: { mean: 9, standardError: Math.sqrt(5) },
        top5Last: { standardError: 0 },
      },
    ]);
  });

  it('ranks a set by what hard labels recover and what soft ones improve, as fractions', () => {
    type Kind = (typeof LABEL_KINDS)[number];
    const of = (subject: 'DISTILLED_SET' | 'RANDOM_REAL' | 'FULL_REAL', labelKind: Kind, top1: number) => ({
      ...{
        subject,
        labelKind,
        seed: 0,
        top1Last: top1,
        top1Best: top1,
        top5Last: 99,
        top5Best: 99.5,
        studentSteps: 50,
        seconds: 1,
        readings: [],
      },
    });
    const soft = [of('DISTILLED_SET', 'SOFT', 82), of('RANDOM_REAL', 'SOFT', 72)];
    assert.deepEqual({ ...rank(soft), ior: 0 }, { hlr: null, ior: 0, lrs: null, ars: null });
    const { hlr, ior, lrs } = rank([...soft, of('DISTILLED_SET', 'HARD', 60), of('FULL_REAL', 'HARD', 90)]);
    const close = (a: number | null, b: number) => assert.ok(Math.abs((a ?? Number.NaN) - b) < 1e-12, `${a}, not ${b}`);
    close(ior, 0.1);
    close(hlr, 0.3);
    // a = -.1: one of the anchors of DD-Ranking's own table, .2285.
    close(lrs, (Math.exp(-0.1) - Math.exp(-1)) / (Math.E - Math.exp(-1)));
    assert.equal(lrs?.toFixed(4), '0.2285');
    // What is not there yet of one side is left out of the other.
    const further = [
      { ...of('DISTILLED_SET', 'SOFT', 92), seed: 1 },
      { ...of('RANDOM_REAL', 'SOFT', 10), seed: 2 },
    ];
    close(rank([...soft, ...further]).ior, 0.1);
    const [comparison] = compare([...soft, ...further]);
    assert.deepEqual(comparison?.top1Last, { mean: 10, standardError: null });
    assert.deepEqual(rank(further), { hlr: null, ior: null, lrs: null, ars: null });
    assert.deepEqual(compare(further), []);
    const plain = [of('DISTILLED_SET', 'SOFT_PLAIN', 70), of('RANDOM_REAL', 'SOFT_PLAIN', 60)];
    // b = .1, another anchor.
    assert.equal(rank([...soft, ...plain]).ars?.toFixed(4), '0.3137');
  });

  it('is not evaluated or published once it is archived', async () => {
    await api.world.database.distilledSet.update({ where: { id: uuid }, data: { state: 'ARCHIVED' } });
    assert.deepEqual(errorsOf(await publish()), [['INVALID_STATE', 'id']]);
    assert.deepEqual(errorsOf(await evaluate({ steps: 50, batchSize: 10 })), [['INVALID_STATE', 'distilledSetId']]);
  });
});

describe('a set that takes longer to read than a request may', () => {
  it('is published, and read once for all who publish it at once', async (test) => {
    const patient = await openApi({ TEDDYHUB_REQUEST_SECONDS: '1' });
    test.after(() => patient.close());
    const { database, queue, store, stateDir } = patient.world;
    const run = await seedRun(database, await seedPool(database, await seedDataset(database, patient.project)));
    await patient.world.transact((work) => startRun(work, run.id));
    await workOff({ database, queue }, { runId: run.id });
    const { id } = await database.distilledSet.findUniqueOrThrow({ where: { runId: run.id } });
    await database.distilledShard.deleteMany({ where: { distilledSetId: id } });
    await database.labelFile.deleteMany({ where: { labelSet: { distilledSetId: id } } });
    const bytes = Buffer.from('{}');
    const { key, digest } = await putByDigest(store, 'distilled-sets', bytes, '.json');
    await database.distilledSet.update({ where: { id }, data: { manifestKey: key, manifestDigest: digest } });
    // Whoever reads a pipe waits for who writes it.
    const path = join(stateDir, 'objects', key);
    await rm(path);
    execFileSync('mkfifo', [path]);

    const input = { id: toGlobalId('DistilledSet', id) };
    const publishing = [1, 2].map(() =>
      patient.mutate('distilledSetPublish', 'DistilledSetPublishInput', 'distilledSet { state digest }', input),
    );
    const pipe = await open(path, 'w');
    await wait(1_500);
    await pipe.write(bytes);
    await pipe.close();
    for (const payload of await Promise.all(publishing)) {
      assert.deepEqual([errorsOf(payload), at(payload, 'distilledSet.state')], [[], 'PUBLISHED']);
    }
  });
});
