/** Writes schema.graphql; with `--check` only says whether it is what the code makes. Exit status 1 where it differs. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { buildTeddyhubSchema } from './schema.js';

const FILE = fileURLToPath(new URL('../../../schema.graphql', import.meta.url));

const text = `${printSchema(lexicographicSortSchema(await buildTeddyhubSchema()))}\n`;
if (!process.argv.includes('--check')) {
  await writeFile(FILE, text);
} else if ((await readFile(FILE, 'utf8').catch(() => '')) !== text) {
  console.error('schema.graphql is out of date: run `node dist/src/graphql/emit-schema.js` and commit it.');
  process.exitCode = 1;
}
