import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { getIntrospectionQuery } from 'graphql';
import { toGlobalId } from '../../src/modules/kit/node.js';
import { seedDataset, seedPool, seedRun } from '../support/seeds.js';
import { recordStatements } from '../support/statements.js';
import { at, listAt, openApi, type TestApi } from './server.js';

let api: TestApi;
before(async () => {
  api = await openApi();
});
after(() => api.close());

const codesOf = async (query: string, variables: Record<string, unknown> = {}) =>
  (await api.send(query, variables)).errors.map((error) => error.extensions.code);

const repeat = (times: number, text: (index: number) => string) =>
  Array.from({ length: times }, (_, index) => text(index)).join(' ');

describe('a query is refused before it runs when it', () => {
  it('is too deep, also through fragments', async () => {
    const deep = `{ datasets(first: 1) { nodes { teacherPools(first: 1) { nodes { dataset { teacherPools(first: 1) { nodes { dataset { teacherPools(first: 1) { nodes { id } } } } } } } } } } }`;
    assert.deepEqual(await codesOf(deep), ['QUERY_TOO_COMPLEX']);
    const hidden = `{ datasets(first: 1) { nodes { ...A } } }
      fragment A on Dataset { teacherPools(first: 1) { nodes { dataset { ...B } } } }
      fragment B on Dataset { teacherPools(first: 1) { nodes { dataset { teacherPools(first: 1) { nodes { id } } } } } }`;
    assert.deepEqual(await codesOf(hidden), ['QUERY_TOO_COMPLEX']);
  });

  it('has many aliases, also one fragment spread many times', async () => {
    assert.deepEqual(await codesOf(`{ viewer { ${repeat(16, (n) => `a${n}: role`)} } }`), ['QUERY_TOO_COMPLEX']);
    const spread = `{ viewer { ...A ...B ...C ...D } } fragment A on Viewer { ${repeat(4, (n) => `a${n}: role`)} }
      fragment B on Viewer { ...A } fragment C on Viewer { ...A } fragment D on Viewer { ...A ...B }`;
    assert.deepEqual(await codesOf(spread), ['QUERY_TOO_COMPLEX']);
  });

  it('asks for huge pages, with literals or with variables', async () => {
    const nested = (size: string) =>
      `{ datasets(first: ${size}) { nodes { teacherPools(first: ${size}) { nodes { id name } } } } }`;
    assert.deepEqual(await codesOf(nested('100')), ['QUERY_TOO_COMPLEX']);
    assert.deepEqual(await codesOf(`query ($n: Int) ${nested('$n')}`, { n: 100 }), ['QUERY_TOO_COMPLEX']);
    assert.deepEqual(await codesOf(`query ($n: Int) ${nested('$n')}`, { n: 10 }), []);
  });

  it('asks for long reports', async () => {
    const reports = (size: number) =>
      `{ datasets(first: 100) { nodes { ${repeat(3, (n) => `a${n}: duplicates(first: ${size}) { record }`)} } } }`;
    assert.deepEqual(await codesOf(reports(10)), []);
    assert.deepEqual(await codesOf(reports(100)), ['QUERY_TOO_COMPLEX']);
  });

  it('does many things at once, each of which has a large answer', async () => {
    const bulk = `mutation ($ids: [ID!]!) { distillationRunsUnarchive(input: { ids: $ids }) {
      results { distillationRun { tasks(first: 100) { nodes { id } } } } } }`;
    assert.deepEqual(await codesOf(bulk, { ids: ['one'] }), []);
    assert.deepEqual(await codesOf(bulk, { ids: Array.from({ length: 100 }, (_, n) => `${n}`) }), [
      'QUERY_TOO_COMPLEX',
    ]);
  });

  it('has a null for what must be given, or more fields than can be counted', async () => {
    for (const query of [
      'query ($n: Int) { distillationRuns(first: 1) { nodes { events(first: $n) { sequence } } } }',
      'query ($n: Int) { datasets(first: 1) { nodes { skippedRecords(first: $n) { record } } } }',
    ]) {
      const { status, errors } = await api.send(query, { n: null });
      assert.deepEqual([status, errors.map(({ extensions }) => extensions.code)], [400, ['BAD_USER_INPUT']]);
    }
    const levels = repeat(14, (n) => `fragment F${n} on Viewer { ...F${n + 1} ...F${n + 1} }`);
    const { status, errors } = await api.send(`{ viewer { ...F0 } } ${levels} fragment F14 on Viewer { role }`);
    assert.deepEqual([status, errors.map(({ extensions }) => extensions.code)], [400, ['QUERY_TOO_COMPLEX']]);
    assert.match(errors[0]?.message ?? '', /ask for fewer/);
  });

  it('has a cycle of fragments, too many tokens, directives, or root fields', async () => {
    const cycle = '{ viewer { ...A } } fragment A on Viewer { ...B } fragment B on Viewer { ...A }';
    assert.deepEqual(new Set(await codesOf(cycle)), new Set(['BAD_USER_INPUT']));
    assert.deepEqual(await codesOf(`{ viewer { ${'role '.repeat(1_600)} } }`), ['BAD_USER_INPUT']);
    assert.deepEqual(await codesOf(`{ viewer { ${repeat(21, () => 'role @include(if: true)')} } }`), [
      'QUERY_TOO_COMPLEX',
    ]);
    const fields = repeat(21, () => 'viewer { role }');
    for (const query of [
      `{ ${fields} }`,
      `{ ...A } fragment A on Query { ${fields} }`,
      `{ ... on Query { ${fields} } }`,
    ]) {
      assert.ok((await codesOf(query)).includes('QUERY_TOO_COMPLEX'), query.slice(0, 20));
    }
  });
});

describe('a request is refused when it', () => {
  const post = (body: string, headers: Record<string, string> = {}) =>
    fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${api.keys.ADMIN}`, ...headers },
      body,
    });
  const expectRefusal = async (response: Response, status: number) => {
    assert.equal(response.status, status);
    const { errors } = (await response.json()) as { errors: { extensions: Record<string, unknown> }[] };
    assert.deepEqual(
      errors.map((error) => Object.keys(error.extensions).sort()),
      [['code', 'requestId']],
    );
    assert.equal(errors[0]?.extensions.requestId, response.headers.get('x-request-id'));
  };

  it('is a batch, is too large, is no JSON, or could come from a form', async () => {
    await expectRefusal(await post('[{"query":"{viewer{role}}"}]'), 400);
    await expectRefusal(
      await post(JSON.stringify({ query: '{ viewer { role } }', variables: { x: 'x'.repeat(300_000) } })),
      413,
    );
    await expectRefusal(await post('{'), 400);
    await expectRefusal(await post('{"query":"{viewer{role}}"}', { 'content-type': 'text/plain' }), 400);
  });

  it('has a path that is no text', async () => {
    const answer = await fetch(`${api.url}/v1/distilled-sets/%zz/manifest.json`);
    assert.deepEqual([answer.status, /The path of this URL is malformed/.test(await answer.text())], [400, true]);
  });

  it('is a mutation by GET', async () => {
    const query = encodeURIComponent('mutation { distillationRunCancel(input: { id: "x" }) { userErrors { code } } }');
    const headers = { authorization: `Bearer ${api.keys.ADMIN}`, 'apollo-require-preflight': '1' };
    await expectRefusal(await fetch(`${api.url}/graphql?query=${query}`, { headers }), 405);
  });
});

describe('what a client gets wrong', () => {
  const wrong: [string, string, Record<string, unknown>][] = [
    ['a text for a number', 'query ($n: Int) { datasets(first: $n) { nodes { id } } }', { n: 'a' }],
    ['no value where one is needed', 'query ($id: ID!) { dataset(id: $id) { id } }', {}],
    [
      'a value that is none of an enum',
      'query ($s: [RunState!]) { distillationRuns(first: 1, filter: { states: $s }) { nodes { id } } }',
      { s: ['DONE'] },
    ],
    [
      'a field that an input has not',
      'mutation ($i: DistillationRunCancelInput!) { distillationRunCancel(input: $i) { userErrors { code } } }',
      { i: { ids: 'x' } },
    ],
    ['a subscription over HTTP', 'subscription { workerStatus { id name } }', {}],
  ];
  for (const [what, query, variables] of wrong) {
    it(`is told with 400 and one code: ${what}`, async () => {
      const { status, errors } = await api.send(query, variables);
      assert.deepEqual([status, errors.map((error) => error.extensions.code)], [400, ['BAD_USER_INPUT']]);
    });
  }

  it('brings no hints at the schema in production, where variables are wrong neither', async (test) => {
    const production = await openApi({ NODE_ENV: 'production' });
    test.after(() => production.close());
    const query =
      'mutation ($i: DistillationRunCancelInput!) { distillationRunCancel(input: $i) { userErrors { code } } }';
    const messageOf = async (one: TestApi) =>
      (await one.send(query, { i: { ids: 'x', id: 'x' } })).errors[0]?.message ?? '';
    assert.match(await messageOf(api), /Did you mean/);
    assert.match(await messageOf(production), /"ids" is not defined/);
    assert.doesNotMatch(await messageOf(production), /Did you mean/);
  });
});

describe('errors', () => {
  it('that nobody foresaw are masked, and logged once under the id that the client is told', async () => {
    const { database } = api.world;
    const dataset = await seedDataset(database, api.project);
    await database.dataset.update({ where: { id: dataset.id }, data: { source: { kind: 'SECRET_KIND' } } });
    const { data, errors } = await api.send('{ datasets(first: 1) { nodes { sourceKind } } }');
    assert.equal(data, null);
    assert.deepEqual(
      errors.map((error) => error.extensions.code),
      ['INTERNAL'],
    );
    assert.doesNotMatch(JSON.stringify(errors), /SECRET|zod|node_modules|stack/i);
    const { requestId } = errors[0]?.extensions ?? {};
    const logged = api.log.filter((entry) => entry.requestId === requestId && entry.err !== undefined);
    assert.equal(logged.length, 1);
    assert.match(JSON.stringify(logged[0]), /stack/);
    await database.dataset.delete({ where: { id: dataset.id } });
  });

  it('of input types have one line, a code and no trace', async () => {
    const query = 'mutation ($input: DatasetImportInput!) { datasetImport(input: $input) { userErrors { code } } }';
    const { errors } = await api.send(query, { input: { name: 5 } });
    assert.ok(errors.length > 0);
    for (const error of errors) {
      assert.deepEqual([error.extensions.code, Object.keys(error.extensions).length], ['BAD_USER_INPUT', 2]);
    }
  });
});

describe('lists without cursors', () => {
  it('refuse a page that is too large, and give those that are asked for beside it', async () => {
    const id = toGlobalId('Dataset', (await seedDataset(api.world.database, api.project)).id);
    const query = `query ($id: ID!) { a: dataset(id: $id) { skippedRecords(first: 10) { record } }
      b: dataset(id: $id) { skippedRecords(first: 101) { record } } }`;
    const { data, errors } = await api.send(query, { id });
    assert.deepEqual(data, { a: { skippedRecords: [] }, b: null });
    assert.deepEqual(
      errors.map(({ extensions }) => extensions.code),
      ['BAD_USER_INPUT'],
    );
  });
});

describe('statements', () => {
  const query = `{ datasets(first: 10) { totalCount nodes { name progress { fraction } teacherPools(first: 2) { totalCount nodes {
    dataset { name } teachers(first: 5) { nodes { accuracy } } distillationRuns(first: 3) { nodes {
      progress { fraction } dataset { name } teacherPool { name } distilledSet { id } tasks(first: 2) { nodes { kind worker { name } } } events(first: 2) { sequence } } } } }
    skippedRecords(first: 2) { record } duplicates(first: 2) { record } } } }`;

  const count = async (): Promise<number> => {
    const statements = await recordStatements(async () => {
      const { errors } = await api.send(query);
      assert.deepEqual(errors, []);
    });
    return statements.length;
  };

  /** The least of some: the key is looked up again every two seconds, and the queue has statements of its own. */
  const fewest = async () => Math.min(await count(), await count(), await count(), await count());

  const seed = async (datasets: number) => {
    for (let index = 0; index < datasets; index++) {
      const { database } = api.world;
      const pool = await seedPool(database, await seedDataset(database, api.project));
      for (const _run of [1, 2]) {
        const run = await seedRun(database, pool);
        await database.task.create({
          data: { projectId: api.project.id, kind: 'SYNTHESIS', runId: run.id, payload: {} },
        });
      }
    }
  };

  it('do not grow with the rows that a query reads', async () => {
    await seed(1);
    const few = await fewest();
    await seed(8);
    const many = await fewest();
    assert.ok(many <= few, `${few} statements for one dataset, ${many} for nine`);
    assert.ok(few <= 20, `${few} statements`);
  });
});

describe('the schema', () => {
  it('is the one that is committed', () => {
    const emit = fileURLToPath(new URL('../../src/graphql/emit-schema.js', import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, [emit, '--check'], { encoding: 'utf8' });
    assert.deepEqual([status, stderr], [0, '']);
  });

  it('is shown in development and describes every object, every root field and every enum value', async () => {
    const { data, errors } = await api.send(getIntrospectionQuery());
    assert.deepEqual(errors, []);
    const types = listAt(data, '__schema.types');
    const nameOf = (one: unknown) => String(at(one, 'name'));
    const own = types.filter((type) => !nameOf(type).startsWith('__'));
    const roots = own.filter((type) => ['Query', 'Mutation', 'Subscription'].includes(nameOf(type)));
    assert.equal(roots.length, 3);
    const membersOf = (type: unknown, list: string) =>
      ((at(type, list) as unknown[] | null) ?? []).map((one) => ({ one, name: `${nameOf(type)}.${nameOf(one)}` }));
    // Roots are no objects, and an input or payload is told of by its mutation.
    const objects = own.filter((type) => !roots.includes(type) && !/(Input|Payload)$/.test(nameOf(type)));
    const described = [
      ...objects.map((one) => ({ one, name: nameOf(one) })),
      ...roots.flatMap((type) => membersOf(type, 'fields')),
      ...own.flatMap((type) => membersOf(type, 'enumValues')),
    ];
    const bare = described.filter(({ one }) => !at(one, 'description')).map(({ name }) => name);
    assert.deepEqual(bare, []);
  });
});
