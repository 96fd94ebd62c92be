import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { toGlobalId } from '../../src/modules/kit/node.js';
import { readConfig } from '../../src/platform/config/env.js';
import { startRun } from '../../src/platform/orchestration/index.js';
import { workOff } from '../support/by-hand.js';
import { seedDataset, seedEvaluation, seedPool, seedRun } from '../support/seeds.js';
import { at, openApi, type TestApi } from './server.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const EXAMPLES = `${ROOT}docs/examples`;

let api: TestApi;
before(async () => {
  api = await openApi();
});
after(() => api.close());

describe('every example of the documentation', () => {
  it('runs against a world with everything in it, without errors', async () => {
    const { database, queue } = api.world;
    const dataset = await seedDataset(database, api.project);
    const pool = await seedPool(database, dataset);
    const run = await seedRun(database, pool, { synthesis: { imagesPerClass: 10 } });
    await api.world.transact((work) => startRun(work, run.id));
    await workOff({ database, queue }, { runId: run.id });
    const set = await database.distilledSet.findUniqueOrThrow({ where: { runId: run.id } });
    const apiKey = await database.apiKey.findFirstOrThrow({ where: { role: 'OPERATOR' } });
    const evaluation = await seedEvaluation(database, set);
    const everything: Record<string, string> = {
      datasetId: toGlobalId('Dataset', dataset.id),
      teacherPoolId: toGlobalId('TeacherPool', pool.id),
      distillationRunId: toGlobalId('DistillationRun', run.id),
      distilledSetId: toGlobalId('DistilledSet', set.id),
      evaluationId: toGlobalId('Evaluation', evaluation.id),
      apiKeyId: toGlobalId('ApiKey', apiKey.id),
    };
    const names = (await readdir(EXAMPLES)).filter((name) => name.endsWith('.graphql'));
    assert.ok(names.length >= 10);
    for (const name of names) {
      const text = await readFile(`${EXAMPLES}/${name}`, 'utf8');
      const variables = Object.fromEntries(Object.entries(everything).filter(([key]) => text.includes(`$${key}:`)));
      const answers = /^subscription/m.test(text)
        ? await api.follow(text, variables)
        : [await api.send(text, variables)];
      assert.ok(answers.length > 0, name);
      for (const answer of answers) assert.deepEqual(at(answer, 'errors') ?? [], [], name);
    }
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
