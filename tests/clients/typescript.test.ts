import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { ApiError, openTeddyhub, operations, type Teddyhub, UserErrors } from '../../clients/typescript/src/index.js';
import { toGlobalId } from '../../src/modules/kit/node.js';
import { appendRunEvent, requestRunCancel, startRun } from '../../src/platform/orchestration/index.js';
import { openApi, type TestApi } from '../api/server.js';
import { type FaultyProxy, openProxy } from '../support/proxy.js';
import { seedDataset, seedPool, seedRun } from '../support/seeds.js';
import { until } from '../support/until.js';

let api: TestApi;
let proxy: FaultyProxy;
let teddyhub: Teddyhub;

before(async () => {
  api = await openApi();
  proxy = await openProxy(Number(new URL(api.url).port));
  const url = `http://127.0.0.1:${proxy.port}/`;
  teddyhub = openTeddyhub({ url, key: api.keys.ADMIN, webSocket: WebSocket });
});
after(async () => {
  await teddyhub.close();
  await proxy.close();
  await api.close();
});

async function newRun() {
  const { database } = api.world;
  const run = await seedRun(database, await seedPool(database, await seedDataset(database, api.project)));
  await api.world.transact((work) => startRun(work, run.id));
  return { runId: run.id, id: toGlobalId('DistillationRun', run.id) };
}

const isApiError = (code: string) => (error: unknown) => error instanceof ApiError && error.code === code;

/** A client of an address where nobody listens, and how often it has tried to open a socket. */
function callingNobody() {
  let tries = 0;
  class Counted extends WebSocket {
    constructor(...args: ConstructorParameters<typeof WebSocket>) {
      super(...args);
      tries++;
    }
  }
  const nobody = openTeddyhub({ url: 'http://127.0.0.1:9', key: 'k', webSocket: Counted });
  return { nobody, tries: () => tries };
}

describe('a query', () => {
  it('answers what its type says, and is sent again when its answer is lost', async () => {
    proxy.swallowAnswers(2);
    const before = proxy.connections;
    const { viewer } = await teddyhub.query(operations.Viewer, {});
    assert.deepEqual([viewer.role, viewer.projectName], ['ADMIN', 'default']);
    assert.ok(proxy.connections >= before + 2);
  });

  it('throws the code, the line and the request id of the service', async () => {
    const stranger = openTeddyhub({ url: api.url, key: 'thk_nonsense', webSocket: WebSocket });
    await assert.rejects(stranger.query(operations.Viewer, {}), isApiError('UNAUTHENTICATED'));
    const viewer = openTeddyhub({ url: api.url, key: api.keys.VIEWER, webSocket: WebSocket });
    await assert.rejects(viewer.query(operations.ApiKeys, { first: 1 }), (error: ApiError) => {
      assert.ok(api.log.some((entry) => entry.requestId === error.requestId));
      return error.code === 'FORBIDDEN';
    });
  });

  it('does not try again what no other try would change', async () => {
    for (const [key, url] of [
      ['thk_…', 'http://127.0.0.1:9'],
      ['thk_x', 'http://['],
    ] as const) {
      const client = openTeddyhub({ url, key, webSocket: WebSocket });
      await assert.rejects(client.query(operations.Viewer, {}), { code: 'BAD_USER_INPUT' });
      await client.close();
    }
  });

  it('says that nobody answers, once it has tried often enough', async () => {
    const nobody = openTeddyhub({ url: 'http://127.0.0.1:9', key: 'k', webSocket: WebSocket, patienceMs: 200 });
    await assert.rejects(nobody.query(operations.Viewer, {}), isApiError('UNREACHABLE'));
  });
});

describe('a mutation', () => {
  it('is done once, though its answers are lost and it is sent again', async () => {
    proxy.swallowAnswers(2);
    const { apiKey } = await teddyhub.mutate(operations.CreateApiKey, { name: 'lost and found', role: 'VIEWER' });
    assert.equal(apiKey?.name, 'lost and found');
    assert.equal(await api.world.database.apiKey.count({ where: { name: 'lost and found' } }), 1);
  });

  it('makes up an idempotency key where none is given, or one that is undefined', async () => {
    const idempotencyKey: string | undefined = undefined;
    const given = { name: 'no key', role: 'VIEWER' as const, idempotencyKey };
    const { apiKey } = await teddyhub.mutate(operations.CreateApiKey, given as { name: string; role: 'VIEWER' });
    assert.equal(apiKey?.name, 'no key');
  });

  it('throws all that is wrong with its input', async () => {
    const { id: datasetId } = await seedDataset(api.world.database, api.project);
    const input = { name: 'x', datasetId: toGlobalId('Dataset', datasetId), config: { epochs: -1, momentum: 2 } };
    await assert.rejects(teddyhub.mutate(operations.TrainTeacherPool, input), (error: UserErrors) => {
      assert.ok(error instanceof UserErrors);
      assert.deepEqual(error.errors.map(({ field }) => field?.join('.')).sort(), ['config.epochs', 'config.momentum']);
      return true;
    });
  });
});

describe('runEvents', () => {
  it('gives every event once and in order, though the connection breaks again and again', async () => {
    const { runId, id } = await newRun();
    const sequences: number[] = [];
    const following = (async () => {
      for await (const event of teddyhub.runEvents(id)) sequences.push(event.sequence);
    })();
    const task = { taskId: runId, kind: 'SYNTHESIS', index: 0, totalSteps: 99, loss: null };
    for (let step = 1; step <= 60; step++) {
      await api.world.database.$transaction((tx) =>
        appendRunEvent(tx, runId, { type: 'TASK_PROGRESS', ...task, step }),
      );
      if (step % 20 !== 0) continue;
      await until(`something of the first ${step}`, () => sequences.length > step - 20);
      proxy.cut();
    }
    await api.world.transact((work) => requestRunCancel(work, runId, 'a test'));
    await following;
    assert.deepEqual(
      sequences,
      Array.from({ length: 63 }, (_, index) => index + 1),
    );
  });

  it('follows more runs than a socket carries', async () => {
    const { id, runId } = await newRun();
    const followed = Array.from({ length: 45 }, () => teddyhub.runEvents(id));
    for (const events of followed) assert.equal((await events.next()).value?.sequence, 1);
    assert.equal(api.gauges().sockets, 3);
    await api.world.transact((work) => requestRunCancel(work, runId, 'a test'));
    for (const events of followed) {
      for await (const _event of events);
    }
    await until('nobody follows', () => api.gauges().followers === 0);
  });

  it('ends where the caller leaves it, and when the caller aborts', async () => {
    const { id } = await newRun();
    for await (const { sequence } of teddyhub.runEvents(id)) {
      assert.equal(sequence, 1);
      break;
    }
    const gone = new AbortController();
    await assert.rejects(async () => {
      for await (const _event of teddyhub.runEvents(id, { signal: gone.signal })) gone.abort(new Error('enough'));
    }, /enough/);
    await until('nobody follows', () => api.gauges().followers === 0);
  });

  it('goes on after a break, however long nothing had come before', async (test) => {
    const { runId, id } = await newRun();
    const events = teddyhub.runEvents(id);
    assert.equal((await events.next()).value?.sequence, 1);
    const next = events.next();
    test.mock.timers.enable({ apis: ['Date'], now: Date.now() + 600_000 });
    proxy.cut();
    await api.world.transact((work) => requestRunCancel(work, runId, 'a test'));
    assert.equal((await next).value?.sequence, 2);
    test.mock.timers.reset();
    await events.return();
  });

  it('gives up where nobody answers for a minute', { timeout: 20_000 }, async (test) => {
    const { nobody, tries } = callingNobody();
    test.after(() => nobody.close());
    const refused = assert.rejects(nobody.runEvents('x').next(), isApiError('UNREACHABLE'));
    await until('it has tried again', () => tries() > 1);
    test.mock.timers.enable({ apis: ['Date'], now: Date.now() + 61_000 });
    await refused;
  });

  it('gives nothing to who has aborted before', async () => {
    const { id } = await newRun();
    const signal = AbortSignal.abort(new Error('changed my mind'));
    await assert.rejects(teddyhub.runEvents(id, { signal }).next(), /changed my mind/);
  });

  it('ends with its client, also between two tries', async () => {
    const { nobody, tries } = callingNobody();
    const next = nobody.runEvents('x').next();
    await until('it has tried again', () => tries() > 1);
    await nobody.close();
    assert.deepEqual(await next, { done: true, value: undefined });
  });

  it('is what needs a WebSocket, and nothing else', async () => {
    const own = globalThis.WebSocket;
    Reflect.deleteProperty(globalThis, 'WebSocket');
    try {
      const plain = openTeddyhub({ url: api.url, key: api.keys.ADMIN });
      assert.equal((await plain.query(operations.Viewer, {})).viewer.role, 'ADMIN');
      await plain.close();
    } finally {
      globalThis.WebSocket = own;
    }
  });

  it('throws when there is no such run, and when the key is revoked', async () => {
    await assert.rejects(teddyhub.runEvents('nonsense').next(), isApiError('NOT_FOUND'));
    const { id } = await newRun();
    const key = await api.newKey('VIEWER');
    const other = openTeddyhub({ url: api.url, key, webSocket: WebSocket });
    await assert.rejects(async () => {
      for await (const _event of other.runEvents(id)) {
        const where = { prefix: key.split('_')[1] ?? '' };
        await api.world.database.apiKey.update({ where, data: { revokedAt: new Date() } });
      }
    }, isApiError('UNAUTHENTICATED'));
    await other.close();
  });

  it('is not all there is: progress and workers are followed alike', async () => {
    const { runId, id } = await newRun();
    await api.world.transact((work) => requestRunCancel(work, runId, 'a test'));
    const states = [];
    for await (const { state } of teddyhub.runProgress(id)) states.push(state);
    assert.deepEqual(states, ['CANCELED']);
    const gone = new AbortController();
    const next = teddyhub.workerStatus(gone.signal).next();
    gone.abort(new Error('enough'));
    await assert.rejects(next, /enough/);
  });
});

describe('a service that runs trusted documents only', () => {
  let strict: TestApi;
  before(async () => {
    strict = await openApi({ TEDDYHUB_DOCUMENTS: 'trusted' });
  });
  after(() => strict.close());

  const send = async (body: object, key = strict.keys.VIEWER) => {
    const response = await fetch(`${strict.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify(body),
    });
    const { data, errors } = (await response.json()) as {
      data?: unknown;
      errors?: { extensions: { code: string } }[];
    };
    return { status: response.status, data, code: errors?.[0]?.extensions.code };
  };

  it('runs those of the client, whole or by their digest', async () => {
    const viewer = openTeddyhub({ url: strict.url, key: strict.keys.VIEWER, webSocket: WebSocket });
    assert.equal((await viewer.query(operations.Viewer, {})).viewer.role, 'VIEWER');
    assert.ok((await send({ documentId: operations.Viewer.digest })).data);
    await assert.rejects(viewer.runEvents('nonsense').next(), isApiError('NOT_FOUND'));
    await viewer.close();
  });

  it('refuses every other one, over sockets as well, but of ADMIN keys', async () => {
    const query = '{ viewer { role } }';
    assert.deepEqual(await send({ query }), { status: 403, data: undefined, code: 'FORBIDDEN' });
    assert.equal((await send({ query }, strict.keys.ADMIN)).status, 200);
    const subscription = 'subscription { workerStatus { id } }';
    const [refused] = await strict.refuse(subscription, {}, strict.keys.OPERATOR);
    assert.equal(refused?.extensions.code, 'FORBIDDEN');
    const unknown = await send({ documentId: `sha256:${'0'.repeat(64)}` });
    assert.deepEqual([unknown.status, unknown.code], [400, 'BAD_USER_INPUT']);
  });
});
