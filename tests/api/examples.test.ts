import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { toGlobalId } from '../../src/modules/kit/node.js';
import { CONFIGURATION, readConfig } from '../../src/platform/config/env.js';
import { handBackTask, reportProgress, startRun } from '../../src/platform/orchestration/index.js';
import { claimNext, workOff } from '../support/by-hand.js';
import { seedDataset, seedEvaluation, seedPool, seedRun } from '../support/seeds.js';
import { recordStatements } from '../support/statements.js';
import { at, openApi, type TestApi } from './server.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const EXAMPLES = `${ROOT}docs/examples`;

let api: TestApi;
before(async () => {
  api = await openApi();
});
after(() => api.close());

/** A world with everything in it; the variables that name the parts of it. */
async function seedAll(): Promise<Record<string, string>> {
  const { database, queue } = api.world;
  const dataset = await seedDataset(database, api.project);
  const pool = await seedPool(database, dataset, 3);
  const last = { poolId_index: { poolId: pool.id, index: 2 } };
  await database.teacher.update({ where: last, data: { kind: 'FULLY_TRAINED', epoch: null } });
  const run = await seedRun(database, pool, { synthesis: { imagesPerClass: 10 } });
  await api.world.transact((work) => startRun(work, run.id));
  const backend = { database, queue };
  const claim = await claimNext(backend, { runId: run.id });
  await reportProgress(backend, claim, { step: 1, totalSteps: 2, loss: 1 }, [{ name: 'loss', step: 1, value: 1 }]);
  await handBackTask(backend, claim, 'drained');
  await workOff(backend, { runId: run.id });
  const set = await database.distilledSet.findUniqueOrThrow({ where: { runId: run.id } });
  const evaluation = await seedEvaluation(database, set);
  const apiKey = await database.apiKey.findFirstOrThrow({ where: { role: 'OPERATOR' } });
  return {
    datasetId: toGlobalId('Dataset', dataset.id),
    teacherPoolId: toGlobalId('TeacherPool', pool.id),
    distillationRunId: toGlobalId('DistillationRun', run.id),
    distilledSetId: toGlobalId('DistilledSet', set.id),
    evaluationId: toGlobalId('Evaluation', evaluation.id),
    apiKeyId: toGlobalId('ApiKey', apiKey.id),
  };
}

/** What deletes everything comes last, so that the others find something. */
const LAST = 'delete.graphql';
const examples = await Promise.all(
  (await readdir(EXAMPLES))
    .filter((name) => name.endsWith('.graphql'))
    .sort((a, b) => Number(a === LAST) - Number(b === LAST) || a.localeCompare(b))
    .map(async (name) => ({ name, text: await readFile(`${EXAMPLES}/${name}`, 'utf8') })),
);

const variablesOf = (text: string, everything: Record<string, string>) =>
  Object.fromEntries(Object.entries(everything).filter(([key]) => text.includes(`$${key}:`)));

const perform = (text: string, everything: Record<string, string>) =>
  /^subscription/m.test(text)
    ? api.follow(text, variablesOf(text, everything), /runEvents|runProgress/.test(text) ? undefined : 1)
    : api.send(text, variablesOf(text, everything)).then((answer) => [answer]);

describe('every example of the documentation', () => {
  it('runs against a world with everything in it, without errors', async () => {
    const everything = await seedAll();
    assert.ok(examples.length >= 20);
    for (const { name, text } of examples) {
      const answers = await perform(text, everything);
      assert.ok(answers.length > 0, name);
      for (const answer of answers) {
        assert.deepEqual(at(answer, 'errors') ?? [], [], name);
        // A mutation may find the world in another state; it is never a wrong one.
        const codes = JSON.stringify(answer).match(/(?<="userErrors":\[\{"code":")\w+/g) ?? [];
        for (const code of codes) assert.match(code, /^(INVALID_STATE|OBJECT_MISSING|VERSION_CONFLICT)$/, name);
      }
    }
  });

  it('sends as many statements in a world of many rows as in one of few', async () => {
    /** The request's own line in the log counts what it has sent; a subscription has none, so all of the process counts. */
    const count = async (text: string, everything: Record<string, string>): Promise<number> => {
      // A repeated key would find what was made before.
      const fresh = text.replace(/idempotencyKey: "[^"]+"/g, () => `idempotencyKey: "${randomUUID()}"`);
      const from = api.log.length;
      const statements = await recordStatements(() => perform(fresh, everything));
      const lines = api.log.slice(from).filter((line) => line.msg === 'request' && line.path === '/graphql');
      return lines.length > 0 ? Number(lines.at(-1)?.statements) : statements.length;
    };
    /** The key is looked up again every two seconds, and the queue has statements of its own. */
    const fewest = async (name: string, text: string, everything: Record<string, string>) => {
      const counts: number[] = [];
      // What was deleted is not deleted again.
      for (let i = 0; i < 3; i++) counts.push(await count(text, name === LAST ? await seedAll() : everything));
      return Math.min(...counts);
    };
    const small = await seedAll();
    const few = new Map<string, number>();
    for (const { name, text } of examples) few.set(name, await fewest(name, text, small));
    for (let more = 0; more < 12; more++) await seedAll();
    // As untouched as the small one was: what examples did there is not done here.
    const large = await seedAll();
    for (const { name, text } of examples) {
      const many = await fewest(name, text, large);
      assert.ok(
        many <= few.get(name)!,
        `${name}: ${few.get(name)} statements in a small world, ${many} in a large one`,
      );
      assert.ok(many > 0 || name === 'rate-limit.graphql', name);
    }
    assert.ok(few.get('page-of-runs.graphql')! <= 6, `${few.get('page-of-runs.graphql')} statements a page of runs`);
  });
});

describe('docker-compose.yml', () => {
  it('passes on the settings of .env that the containers can have, each under its own name', async () => {
    const lines = (await readFile(`${ROOT}docker-compose.yml`, 'utf8')).split('\n');
    const settings = lines
      .map((line) => /^ {4}([A-Z_]+): \$\{([A-Z_]+):-\}$/.exec(line))
      .filter((match) => match !== null);
    assert.deepEqual(
      settings.map(([, name]) => name),
      settings.map(([, , from]) => from),
    );
    // What the compose file decides: addresses, the store, and folders in the container.
    const given = /^(NODE_ENV|TEDDYHUB_HOST|PORT|DATABASE_URL|S3_.*|TEDDYHUB_WORKERS|TEDDYHUB_\w+_(DIR|ROOT))$/;
    const own = CONFIGURATION.filter((name) => !given.test(name));
    assert.deepEqual(settings.map(([, name]) => name).sort(), own.sort());
  });
});

describe('.env.example', () => {
  it('names what the configuration reads, with values that it takes', async () => {
    const lines = (await readFile(`${ROOT}.env.example`, 'utf8')).split('\n').filter((line) => /^[A-Z]/.test(line));
    const environment = Object.fromEntries(lines.map((line) => line.split('=', 2) as [string, string]));
    const source = await readFile(`${ROOT}src/platform/config/env.ts`, 'utf8');
    const read = new Set([...source.matchAll(/^ {4}([A-Z][A-Z0-9_]+):/gm)].map((match) => match[1]));
    assert.deepEqual(new Set(Object.keys(environment)), read);
    assert.deepEqual(readConfig(environment, '/somewhere'), readConfig({}, '/somewhere'));
  });
});
