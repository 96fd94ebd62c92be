#!/usr/bin/env node
// Fills a project of a migrated database: by default with 100,000 runs, 1,000,000 tasks and 10,000,000 metric points.
//   node scripts/seed-large.mjs --database <url> [--runs 100000] [--project default]
import { parseArgs } from 'node:util';
import pg from 'pg';

const { values } = parseArgs({
  options: {
    database: { type: 'string', default: process.env.DATABASE_URL ?? '' },
    runs: { type: 'string', default: '100000' },
    project: { type: 'string', default: 'default' },
  },
});
const runs = Number(values.runs);
try {
  if (values.database === '') throw new Error('give --database <url>, or set DATABASE_URL');
  if (!Number.isInteger(runs) || runs < 1) throw new Error('--runs is a whole number from 1 on');
  const { seedLarge } = await import('../dist/bench/support/seed-large.js');
  const client = new pg.Client({ connectionString: values.database });
  await client.connect();
  const { rows } = await client.query('SELECT id FROM "Project" WHERE name = $1', [values.project]);
  await client.end();
  if (rows.length === 0) throw new Error(`there is no project ${values.project}: make a key for it first`);
  const { seconds } = await seedLarge(values.database, rows[0].id, { runs }, (line) => console.log(line));
  console.log(`done in ${seconds} s`);
} catch (error) {
  console.error(`seed-large: ${error.message}`);
  process.exitCode = 1;
}
