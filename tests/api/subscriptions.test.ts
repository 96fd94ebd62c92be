import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { toGlobalId } from '../../src/modules/kit/node.js';
import { requestRunCancel, startRun } from '../../src/platform/orchestration/index.js';
import { claimNext, complete, workOff } from '../support/by-hand.js';
import { seedDataset, seedPool, seedRun } from '../support/seeds.js';
import { until } from '../support/until.js';
import { at, listAt, openApi, type TestApi } from './server.js';

let api: TestApi;
before(async () => {
  api = await openApi();
});
after(() => api.close());

const EVENTS = `subscription ($runId: ID!, $after: Int!) { runEvents(runId: $runId, afterSequence: $after) {
  __typename sequence type createdAt
  ... on RunStateChanged { from to failure { code message } }
  ... on RunTaskEvent { taskId kind index }
  ... on RunTaskStarted { attempt workerId fromStep }
  ... on RunTaskProgress { step totalSteps loss } } }`;

async function newRun() {
  const { database } = api.world;
  const pool = await seedPool(database, await seedDataset(database, api.project));
  const run = await seedRun(database, pool, { synthesis: { imagesPerClass: 1 } });
  await api.world.transact((work) => startRun(work, run.id));
  return { runId: run.id, globalId: toGlobalId('DistillationRun', run.id) };
}

const sequences = (events: unknown[]) => events.map((event) => at(event, 'data.runEvents.sequence'));
const upTo = (length: number, from = 1) => Array.from({ length }, (_, index) => index + from);

describe('runEvents', () => {
  it('replays, goes on with what another process writes, and ends with the run', async () => {
    const { runId, globalId } = await newRun();
    // The world has its own connections: to the API it is another process.
    const { database, queue } = api.world;
    await complete({ database, queue }, await claimNext({ database, queue }, { runId }));
    const following = api.follow(EVENTS, { runId: globalId, after: 0 });
    await workOff({ database, queue }, { runId });
    const events = await following;
    const { eventSequence } = await database.distillationRun.findUniqueOrThrow({ where: { id: runId } });
    assert.deepEqual(sequences(events), upTo(eventSequence));
    const moves = events
      .filter((event) => at(event, 'data.runEvents.type') === 'STATE_CHANGED')
      .map((event) => at(event, 'data.runEvents.to'));
    assert.deepEqual(moves, ['QUEUED', 'PREPARING', 'SYNTHESIZING', 'LABELING', 'PUBLISHING', 'SUCCEEDED']);
    const started = events.find((event) => at(event, 'data.runEvents.type') === 'TASK_STARTED');
    const task = await api.send('query ($id: ID!) { node(id: $id) { __typename } }', {
      id: at(started, 'data.runEvents.taskId'),
    });
    assert.equal(at(task.data, 'node.__typename'), 'Task');
  });

  it('begins after the sequence that a client has seen', async () => {
    const { runId, globalId } = await newRun();
    const { database, queue } = api.world;
    await workOff({ database, queue }, { runId });
    const { eventSequence } = await database.distillationRun.findUniqueOrThrow({ where: { id: runId } });
    const events = await api.follow(EVENTS, { runId: globalId, after: eventSequence - 2 });
    assert.deepEqual(sequences(events), upTo(2, eventSequence - 1));
  });

  it('ends at once for a client that has seen the end', async () => {
    const { runId, globalId } = await newRun();
    const { database, queue } = api.world;
    await workOff({ database, queue }, { runId });
    const { eventSequence } = await database.distillationRun.findUniqueOrThrow({ where: { id: runId } });
    assert.deepEqual(await api.follow(EVENTS, { runId: globalId, after: eventSequence }), []);
  });

  it('tells a cancel, and ends', async () => {
    const { runId, globalId } = await newRun();
    const following = api.follow(EVENTS, { runId: globalId, after: 1 });
    await api.world.transact((work) => requestRunCancel(work, runId, 'a test'));
    assert.deepEqual(
      (await following).map((event) => at(event, 'data.runEvents.to')),
      ['CANCELING', 'CANCELED'],
    );
  });

  it('gives each subscriber what it asked for, though they share the events of a run', async () => {
    const { runId, globalId } = await newRun();
    const query = `subscription ($id: ID!, $after: Int!, $kind: Boolean!) { runEvents(runId: $id, afterSequence: $after) {
      sequence ...Kind @include(if: $kind) } } fragment Kind on RunEvent { type @include(if: $kind) }`;
    const other = 'subscription ($id: ID!) { event: runEvents(runId: $id) { type } }';
    const hidden = `subscription ($id: ID!, $kind: Boolean = true) { ... on Subscription { runEvents(runId: $id) {
      sequence type @include(if: $kind) } } }`;
    const following = [
      api.follow(query, { id: globalId, after: 0, kind: true }),
      api.follow(query, { id: globalId, after: 0, kind: false }),
      api.follow(query, { id: globalId, after: 1, kind: true }, undefined, api.keys.VIEWER),
      api.follow(other, { id: globalId }),
      api.follow(hidden, { id: globalId, kind: false }),
      api.follow(hidden, { id: globalId }),
    ];
    // Events that come now are the very same for all of them.
    await until('all follow', () => api.gauges().followers === following.length);
    await api.world.transact((work) => requestRunCancel(work, runId, 'a test'));
    const type = 'STATE_CHANGED';
    const data = (await Promise.all(following)).map((events) => events.map((event) => at(event, 'data')));
    assert.deepEqual(data, [
      upTo(3).map((sequence) => ({ runEvents: { sequence, type } })),
      upTo(3).map((sequence) => ({ runEvents: { sequence } })),
      upTo(2, 2).map((sequence) => ({ runEvents: { sequence, type } })),
      upTo(3).map(() => ({ event: { type } })),
      upTo(3).map((sequence) => ({ runEvents: { sequence } })),
      upTo(3).map((sequence) => ({ runEvents: { sequence, type } })),
    ]);
  });

  it('is there as a query as well', async () => {
    const { runId, globalId } = await newRun();
    const { database, queue } = api.world;
    await workOff({ database, queue }, { runId });
    const query =
      'query ($id: ID!, $after: Int!) { distillationRun(id: $id) { eventSequence events(after: $after, first: 3) { sequence type ... on RunStateChanged { to } } } }';
    const seen: unknown[] = [];
    for (;;) {
      const { data } = await api.send(query, { id: globalId, after: seen.length });
      const events = listAt(data, 'distillationRun.events');
      seen.push(...events);
      if (events.length < 3) break;
    }
    assert.deepEqual(
      seen.map((event) => at(event, 'sequence')),
      upTo(seen.length),
    );
    assert.equal(at(seen.at(-1), 'to'), 'SUCCEEDED');
  });

  it('names what is wrong with an operation, under the limits of HTTP', async () => {
    const { globalId } = await newRun();
    const refused = async (query: string, variables: Record<string, unknown> = {}) =>
      (await api.refuse(query, variables)).map((error) => error.extensions.code);
    assert.deepEqual(await refused('{ viewer { role } }'), ['BAD_USER_INPUT']);
    assert.deepEqual(await refused('subscription {'), ['BAD_USER_INPUT']);
    assert.deepEqual(await refused('subscription { nonsense }'), ['BAD_USER_INPUT']);
    assert.deepEqual(await refused(EVENTS, { runId: 'nonsense', after: 0 }), ['NOT_FOUND']);
    const aliases = upTo(20)
      .map((n) => `a${n}: sequence`)
      .join(' ');
    assert.deepEqual(await refused(`subscription { runEvents(runId: "${globalId}") { ${aliases} } }`), [
      'QUERY_TOO_COMPLEX',
    ]);
    const tokens = `subscription { runEvents(runId: "x") { ${'sequence '.repeat(1_600)} } }`;
    assert.deepEqual(await refused(tokens), ['BAD_USER_INPUT']);
  });
});
