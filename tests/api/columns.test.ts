/** What of a row is read: what the operation asks for, where all of its fields say what they need. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { fromRow } from '../../src/modules/kit/node.js';
import { TeacherPool } from '../../src/modules/teacher-pool/teacher-pool.type.js';
import { seedDataset, seedPool, seedRun } from '../support/seeds.js';
import { recordStatements } from '../support/statements.js';
import { openApi, type TestApi } from './server.js';

let api: TestApi;
before(async () => {
  api = await openApi();
  const { database } = api.world;
  await seedRun(database, await seedPool(database, await seedDataset(database, api.project)));
});
after(() => api.close());

/** The columns of a table that a query reads, sorted. */
async function columnsOf(table: string, query: string): Promise<string[]> {
  const statements = await recordStatements(async () => {
    const { errors } = await api.send(query);
    assert.deepEqual(errors, [], query);
  });
  const { text } = statements.find((statement) => statement.text.includes(`FROM "${table}" item`))!;
  return [...text.split('FROM')[0]!.matchAll(/item\."(\w+)"/g)].map(([, name]) => name!).sort();
}

describe('a page', () => {
  it('reads of its rows, and of what they refer to, what is asked for', async () => {
    const page = '{ distillationRuns(first: 5, orderBy: { field: NAME }) { nodes { state dataset { name } } } }';
    assert.deepEqual(await columnsOf('DistillationRun', page), ['datasetId', 'id', 'name', 'state']);
    assert.deepEqual(await columnsOf('Dataset', page), ['id', 'name']);
  });

  it('reads what is asked for in fragments, and what a resolver needs', async () => {
    const page = `{ teacherPools(first: 5) { edges { node { ...Pool ... on Node { id } } } } }
      fragment Pool on TeacherPool { failure { code } progress { fraction } }`;
    const failure = ['failureCode', 'failureKind', 'failureMessage', 'failureRetryable'];
    assert.deepEqual(await columnsOf('TeacherPool', page), ['createdAt', ...failure, 'id', 'state']);
  });

  it('reads whole rows where a field does not say what it needs', async () => {
    const lineage = '{ distillationRuns(first: 5) { nodes { name distilledSet { lineage { dataset { name } } } } } }';
    const columns = await columnsOf('DistillationRun', lineage);
    assert.ok(columns.includes('notes') && columns.includes('originRunId'));
  });
});

describe('an object of which a part was read', () => {
  it('complains where another column is looked at', () => {
    const row = { id: '0', name: 'a pool' } as unknown as TeacherPool;
    const pool = fromRow(TeacherPool, row, ['id', 'name']);
    assert.ok(pool instanceof TeacherPool);
    assert.equal(pool.name, 'a pool');
    assert.throws(() => pool.seed, /TeacherPool\.seed was not read/);
  });
});
