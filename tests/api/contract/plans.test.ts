/**
 * What PostgreSQL does for every list, on a database of many runs: it looks at little more than what it gives. By default on a
 * part of it; TEDDYHUB_TEST_RUNS=100000 takes the whole, with a million tasks and ten million metric points.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import { seedLarge } from '../../../bench/support/seed-large.js';
import { buildTeddyhubSchema } from '../../../src/graphql/schema.js';
import { toGlobalId } from '../../../src/modules/kit/node.js';
import { recordStatements, type Statement } from '../../support/statements.js';
import { at, openApi, type TestApi } from '../server.js';
import { type ConnectionField, connectionsOf } from './connections.js';

const RUNS = Number(process.env.TEDDYHUB_TEST_RUNS ?? 10_000);
const PAGE = 20;
/** Rows that a page may look at: filters pass over some, and a plan has several steps. */
const LOOKED_AT = 60 * PAGE;
/** Tables in which every other row is more than a page. */
const LARGE = new Set([
  'DistillationRun',
  'Task',
  'MetricPoint',
  'RunEvent',
  'DistilledSet',
  'Evaluation',
  'EvaluationResult',
  'AuditEvent',
]);

const connections = connectionsOf(await buildTeddyhubSchema());
let api: TestApi;
let client: pg.Client;
let parents: Record<string, string>;

before(async () => {
  api = await openApi();
  const { runs } = await seedLarge(api.world.databaseUrl, api.project.id, { runs: RUNS });
  assert.equal(runs, RUNS);
  client = new pg.Client({ connectionString: api.world.databaseUrl });
  await client.connect();
  const { database } = api.world;
  const set = await database.distilledSet.findFirstOrThrow({ include: { run: true } });
  parents = {
    Dataset: toGlobalId('Dataset', set.run.datasetId),
    TeacherPool: toGlobalId('TeacherPool', set.run.poolId),
    DistillationRun: toGlobalId('DistillationRun', set.runId),
    DistilledSet: toGlobalId('DistilledSet', set.id),
  };
});
after(async () => {
  await client.end();
  await api.close();
});

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  Plans?: Plan[];
}

/** All nodes of a plan that read a table or an index. */
const scansOf = (plan: Plan): Plan[] => [
  ...(/Scan$/.test(plan['Node Type']) && plan['Relation Name'] ? [plan] : []),
  ...(plan.Plans ?? []).flatMap(scansOf),
];

const rowsOf = (scan: Plan): number =>
  (scan['Actual Rows'] + (scan['Rows Removed by Filter'] ?? 0) + (scan['Rows Removed by Index Recheck'] ?? 0)) *
  scan['Actual Loops'];

async function explain({ text, values }: Statement): Promise<Plan> {
  const { rows } = await client.query<{ 'QUERY PLAN': { Plan: Plan }[] }>(
    `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`,
    values,
  );
  return rows[0]!['QUERY PLAN'][0]!.Plan;
}

/** What the statements of a query look at; the complaints, of which there are none where all is well. */
async function complaintsOf(query: string, limit = LOOKED_AT): Promise<string[]> {
  const statements = await recordStatements(async () => {
    const { errors } = await api.send(query);
    assert.deepEqual(errors, [], query);
  });
  // Of ours alone: the queue has its own tables, and the key is looked up now and then.
  const reads = statements.filter(
    ({ text }) => /^\s*(SELECT|WITH)/i.test(text) && /"(public"\.")?[A-Z]/.test(text) && !/pgboss|"prefix"/.test(text),
  );
  assert.ok(reads.length > 0, query);
  const complaints: string[] = [];
  for (const statement of reads) {
    const scans = scansOf(await explain(statement));
    const looked = scans.reduce((sum, scan) => sum + rowsOf(scan), 0);
    const whole = scans.filter((scan) => scan['Node Type'] === 'Seq Scan' && LARGE.has(scan['Relation Name'] ?? ''));
    if (looked > limit) complaints.push(`${query} looks at ${looked} rows: ${statement.text}`);
    for (const scan of whole) complaints.push(`${query} reads all of ${scan['Relation Name']}: ${statement.text}`);
  }
  return complaints;
}

const within = ({ parent }: ConnectionField, call: string): string =>
  parent === 'Query' ? `{ ${call} }` : `{ node(id: "${parents[parent]}") { ... on ${parent} { ${call} } } }`;

/** Lists of parents that are not in the seeded world hold nothing, and of keys and teachers there are few. */
const listed = connections.filter(
  ({ parent }) => parent === 'Query' || ['Dataset', 'TeacherPool', 'DistillationRun', 'DistilledSet'].includes(parent),
);

describe(`on a database of ${RUNS} runs`, () => {
  for (const connection of listed) {
    const { parent, field, orders } = connection;
    it(`a page of ${parent}.${field} comes from an index, wherever it lies and however it is sorted`, async () => {
      for (const order of orders) {
        for (const direction of ['ASC', 'DESC']) {
          const by = `orderBy: { field: ${order}, direction: ${direction} }`;
          const ask = (args: string) =>
            within(connection, `${field}(${args}, ${by}) { nodes { id } pageInfo { endCursor } }`);
          // The cursor of the middle: its neighbours are as many pages away as there can be.
          const { data } = await api.send(ask('first: 100'));
          const found = parent === 'Query' ? at(data, field) : at(data, `node.${field}`);
          const cursor = at(found, 'pageInfo.endCursor');
          const args = [`first: ${PAGE}`, `last: ${PAGE}`];
          if (typeof cursor === 'string') {
            args.push(
              `first: ${PAGE}, after: "${cursor}"`,
              `last: ${PAGE}, before: "${cursor}"`,
              `last: ${PAGE}, after: "${cursor}"`,
            );
          }
          for (const some of args) assert.deepEqual(await complaintsOf(ask(some)), []);
        }
      }
    });
  }

  it('a page of runs comes from an index with any filter', async () => {
    const filters = [
      'states: [FAILED]',
      'states: [QUEUED]',
      'states: [QUEUED, SYNTHESIZING]',
      'methods: [TEDDY]',
      'labels: ["team-3"]',
      'labels: ["sweep-3"]',
      'labels: ["team-3", "sweep-3"]',
      `datasetId: "${parents.Dataset}"`,
      `teacherPoolId: "${parents.TeacherPool}", states: [SUCCEEDED]`,
      'createdAfter: "2024-03-02T00:00:00Z", createdBefore: "2024-03-20T00:00:00Z"',
      'archived: true',
    ];
    for (const filter of filters) {
      const query = `{ distillationRuns(first: ${PAGE}, filter: { ${filter} }) { nodes { id } } }`;
      assert.deepEqual(await complaintsOf(query), []);
    }
    for (const filter of ['states: [FAILED]', 'kinds: [LABELING]', 'states: [RUNNING], kinds: [SYNTHESIS]']) {
      assert.deepEqual(await complaintsOf(`{ tasks(first: ${PAGE}, filter: { ${filter} }) { nodes { id } } }`), []);
    }
    const subject = `subjectId: "${parents.DistillationRun}"`;
    for (const filter of [
      subject,
      'actor: "key:00000003"',
      'action: "distillationRunStart"',
      'action: "datasetImport"',
    ]) {
      assert.deepEqual(
        await complaintsOf(`{ auditEvents(first: ${PAGE}, filter: { ${filter} }) { nodes { id } } }`),
        [],
      );
    }
  });

  it('a page of runs with a label of long ago comes from the index of labels, in every order', async () => {
    // More than the planner takes for few: spread evenly, a page of them would be met soon.
    await client.query(
      `UPDATE "DistillationRun" SET labels = labels || '{"first study"}' WHERE id IN (
         SELECT id FROM "DistillationRun" WHERE "projectId" = $1 AND "archivedAt" IS NULL ORDER BY "createdAt" LIMIT 300)`,
      [api.project.id],
    );
    await client.query('ANALYZE "DistillationRun"');
    const page = (args: string) =>
      `{ distillationRuns(${args}, filter: { labels: ["first study"] }) { nodes { id } pageInfo { endCursor } } }`;
    for (const order of ['CREATED_AT', 'FINISHED_AT']) {
      const by = `orderBy: { field: ${order}, direction: DESC }`;
      const { data } = await api.send(page(`first: ${PAGE}, ${by}`));
      const cursor = at(data, 'distillationRuns.pageInfo.endCursor');
      assert.equal(typeof cursor, 'string');
      assert.deepEqual(await complaintsOf(page(`first: ${PAGE}, ${by}`)), []);
      assert.deepEqual(await complaintsOf(page(`first: ${PAGE}, after: "${String(cursor)}", ${by}`)), []);
    }
  });

  it('a page of runs with all that a dashboard shows looks at no more than these runs have', async () => {
    const page = `{ distillationRuns(first: ${PAGE}) { nodes { name state dataset { name } teacherPool { name }
      progress { fraction } bestEvaluation { top1Last { mean } } distilledSet { id } } } }`;
    assert.deepEqual(await complaintsOf(page), []);
  });

  it('the curves of a run are read by themselves', async () => {
    const run = `{ distillationRun(id: "${parents.DistillationRun}") { metricNames metricSeries(name: "loss", maxPoints: 10) {
      samples { step mean } } events(first: 5) { sequence } } }`;
    assert.deepEqual(await complaintsOf(run, 400), []);
    const compared = `{ compareRuns(ids: ["${parents.DistillationRun}"]) { metrics(name: "loss") { steps } } }`;
    assert.deepEqual(await complaintsOf(compared, 400), []);
  });

  it('the depth of the queue is counted from what waits', async () => {
    const open = await api.world.database.task.count({ where: { state: { in: ['QUEUED', 'RUNNING'] } } });
    assert.deepEqual(await complaintsOf('{ queue { queued running kinds { kind queued } } }', open), []);
  });
});
