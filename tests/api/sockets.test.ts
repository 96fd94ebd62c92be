import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { toGlobalId } from '../../src/modules/kit/node.js';
import { appendRunEvent, requestRunCancel, startRun } from '../../src/platform/orchestration/index.js';
import { claimNext, newWorker } from '../support/by-hand.js';
import { blocked, lockTable, whileLocked } from '../support/locks.js';
import { seedDataset, seedPool, seedRun } from '../support/seeds.js';
import { until } from '../support/until.js';
import { at, openApi, type TestApi } from './server.js';

const EVENTS = 'subscription ($id: ID!) { runEvents(runId: $id) { sequence } }';
const upTo = (length: number) => Array.from({ length }, (_, index) => index + 1);

async function newRun(api: TestApi) {
  const { database } = api.world;
  const run = await seedRun(database, await seedPool(database, await seedDataset(database, api.project)));
  await api.world.transact((work) => startRun(work, run.id));
  return { runId: run.id, id: toGlobalId('DistillationRun', run.id) };
}

const socketOf = (api: TestApi, options: { autoPong?: boolean } = {}) =>
  new WebSocket(`${api.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', options);

/** A socket that has said who it is and has been let in. */
async function openSocket(api: TestApi, key: string, options: { autoPong?: boolean } = {}): Promise<WebSocket> {
  const socket = socketOf(api, options);
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${key}` } }));
  await Promise.race([once(socket, 'message'), once(socket, 'close')]);
  return socket;
}

const subscribe = (socket: WebSocket, id: string, query: string, variables: Record<string, unknown>) =>
  socket.send(JSON.stringify({ id, type: 'subscribe', payload: { query, variables } }));

/** The next message of a type. */
function nextMessage(socket: WebSocket, type: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const look = (data: Buffer) => {
      const message: unknown = JSON.parse(data.toString());
      if (at(message, 'type') !== type) return;
      socket.off('message', look);
      resolve(message);
    };
    socket.on('message', look);
    socket.once('close', (code) => reject(new Error(`closed with ${code}`)));
  });
}

const closeCode = async (socket: WebSocket): Promise<number> => {
  const [code] = (await once(socket, 'close')) as [number];
  return code;
};

describe('runProgress', () => {
  let api: TestApi;
  before(async () => {
    api = await openApi();
  });
  after(() => api.close());

  it('drops progress that nobody could see, and no change of state', async () => {
    const { runId, id } = await newRun(api);
    const { database, queue } = api.world;
    const query =
      'subscription ($id: ID!) { runProgress(runId: $id) { state sequence progress { step totalSteps fraction } } }';
    let begun = false;
    const following = api.follow(query, { id }, undefined, undefined, () => {
      begun = true;
    });
    await until('the first snapshot', () => begun);
    const claim = await claimNext({ database, queue }, { runId });
    const task = { taskId: claim.taskId, kind: 'STATISTICS', index: 0 };
    for (const step of upTo(200)) {
      await database.$transaction(async (tx) => {
        await tx.task.update({ where: { id: claim.taskId }, data: { step, totalSteps: 200 } });
        await appendRunEvent(tx, runId, { type: 'TASK_PROGRESS', ...task, step, totalSteps: 200, loss: null });
      });
    }
    await api.world.transact((work) => requestRunCancel(work, runId, 'a test'));
    const snapshots = (await following).map((event) => at(event, 'data.runProgress'));
    const states = snapshots.map((snapshot) => at(snapshot, 'state'));
    const changes = states.filter((state, index) => index === 0 || state !== states[index - 1]);
    assert.deepEqual(changes, ['QUEUED', 'PREPARING', 'CANCELING', 'CANCELED']);
    assert.ok(snapshots.length < 100, `${snapshots.length} snapshots of 203 events`);
    const sequences = snapshots.map((snapshot) => at(snapshot, 'sequence') as number);
    assert.deepEqual(
      sequences,
      [...new Set(sequences)].sort((a, b) => a - b),
    );
    const { eventSequence } = await database.distillationRun.findUniqueOrThrow({ where: { id: runId } });
    assert.equal(sequences.at(-1), eventSequence);
  });

  it('outlives a connection to the database that is lost while it looks', async () => {
    const { runId, id } = await newRun(api);
    const { database, databaseUrl } = api.world;
    const query = 'subscription ($id: ID!) { runProgress(runId: $id) { state } }';
    const { following } = await whileLocked(databaseUrl, lockTable('Task'), async () => {
      const following = api.follow(query, { id }, 1);
      await until('it looks', async () => (await blocked(database)) === 1);
      await database.$queryRaw`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted`;
      await until('it is told', () =>
        api.log.some((entry) => entry.runId === runId && /could not be read/.test(String(entry.msg))),
      );
      return { following };
    });
    assert.deepEqual(
      (await following).map((event) => at(event, 'data.runProgress.state')),
      ['QUEUED'],
    );
  });

  it('tells of a run that has ended, and ends', async () => {
    const { runId, id } = await newRun(api);
    await api.world.transact((work) => requestRunCancel(work, runId, 'a test'));
    const events = await api.follow('subscription ($id: ID!) { runProgress(runId: $id) { state } }', { id });
    assert.deepEqual(
      events.map((event) => at(event, 'data.runProgress.state')),
      ['CANCELED'],
    );
  });
});

describe('workerStatus', () => {
  let api: TestApi;
  before(async () => {
    api = await openApi();
  });
  after(() => api.close());

  it('tells of the workers that are alive, then of each that changes', async () => {
    const { database, queue } = api.world;
    const alive = await newWorker({ database, queue });
    await newWorker({ database, queue }, new Date(Date.now() - 60_000));
    const seen: unknown[] = [];
    const { runId } = await newRun(api);
    const query = 'subscription { workerStatus { id state alive currentTask { id } } }';
    const following = api.follow(query, {}, 5, undefined, (event) => seen.push(at(event, 'data.workerStatus')));
    const worker = { id: toGlobalId('Worker', alive), state: 'IDLE', alive: true, currentTask: null };
    await until('the one that is alive', () => seen.length === 1);
    assert.deepEqual(seen[0], worker);

    await database.worker.update({ where: { id: alive }, data: { state: 'BUSY' } });
    await until('its state', () => seen.length === 2);
    const { taskId } = await claimNext({ database, queue }, { runId }, alive);
    await until('its task', () => seen.length === 3);
    assert.deepEqual(seen[2], { ...worker, state: 'BUSY', currentTask: { id: toGlobalId('Task', taskId) } });
    await database.worker.update({ where: { id: alive }, data: { heartbeatAt: new Date(Date.now() - 60_000) } });
    await until('its silence', () => seen.length === 4);
    assert.equal(at(seen[3], 'alive'), false);
    const other = await newWorker({ database, queue });
    await following;
    assert.equal(at(seen[4], 'id'), toGlobalId('Worker', other));
  });

  it('costs what its pages cost, by the real variables', async () => {
    const query =
      'subscription ($n: Int) { workerStatus { currentTask { distillationRun { tasks(first: $n) { nodes { distillationRun { tasks(first: $n) { nodes { id kind } } } } } } } } }';
    const refused = await api.refuse(query, { n: 100 });
    assert.deepEqual(
      refused.map((error) => error.extensions.code),
      ['QUERY_TOO_COMPLEX'],
    );
    const [event] = await api.follow(query, { n: 2 }, 1);
    assert.equal(at(event, 'errors'), undefined);
  });
});

describe('a socket', () => {
  let api: TestApi;
  before(async () => {
    api = await openApi({ TEDDYHUB_SOCKETS_PER_KEY: '2', TEDDYHUB_PING_SECONDS: '1' });
  });
  after(() => api.close());

  it('is closed with 4403 within five seconds of its key being revoked, or of its end', async () => {
    const { id } = await newRun(api);
    for (const data of [{ revokedAt: new Date() }, { expiresAt: new Date(Date.now() - 1) }]) {
      const key = await api.newKey('VIEWER');
      const [socket, other] = [await openSocket(api, key), await openSocket(api, api.keys.OPERATOR)];
      subscribe(socket, 'a', EVENTS, { id });
      await nextMessage(socket, 'next');
      const began = Date.now();
      const closed = closeCode(socket);
      await api.world.database.apiKey.update({ where: { prefix: key.split('_')[1] ?? '' }, data });
      assert.equal(await closed, 4403);
      assert.ok(Date.now() - began < 5_000);
      assert.equal(other.readyState, WebSocket.OPEN);
      other.close();
      await once(other, 'close');
    }
  });

  it('is refused with 4429 beyond as many as a key may have, and has room again when one has gone', async () => {
    const key = await api.newKey('VIEWER');
    const [first, second] = [await openSocket(api, key), await openSocket(api, key)];
    const third = socketOf(api);
    await once(third, 'open');
    third.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${key}` } }));
    assert.equal(await closeCode(third), 4429);
    const other = await openSocket(api, await api.newKey('VIEWER'));
    assert.equal(other.readyState, WebSocket.OPEN, "another key's");
    first.close();
    await until('room', async () => {
      const again = await openSocket(api, key);
      const { readyState } = again;
      again.close();
      return readyState === WebSocket.OPEN;
    });
    second.close();
    other.close();
  });

  it('does not count when it goes while its key is looked up', async () => {
    const key = await api.newKey('VIEWER');
    await until('nothing is open', () => api.gauges().sockets === 0);
    for (const _time of [1, 2]) {
      const socket = socketOf(api);
      await once(socket, 'open');
      await whileLocked(api.world.databaseUrl, lockTable('ApiKey'), async () => {
        socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${key}` } }));
        await until('the key is looked up', async () => (await blocked(api.world.database)) > 0);
        socket.close();
        await once(socket, 'close');
      });
    }
    // Behind the look-ups that were under way.
    assert.equal((await api.send('{ viewer { role } }', {}, key)).status, 200);
    assert.equal(api.gauges().sockets, 0);
    const socket = await openSocket(api, key);
    assert.equal(socket.readyState, WebSocket.OPEN);
    socket.close();
  });

  it('refuses a subscription whose field may be left out, and keeps the others', async () => {
    const { id } = await newRun(api);
    const socket = await openSocket(api, api.keys.VIEWER);
    subscribe(socket, 'other', EVENTS, { id });
    await nextMessage(socket, 'next');
    const fields = ['runEvents(runId: $id) @skip(if: true) { sequence }', '... @include(if: false) { ...F }', '...F'];
    for (const [number, field] of fields.entries()) {
      const query = `subscription ($id: ID!) { ${field} } fragment F on Subscription { runEvents(runId: $id) @skip(if: true) { sequence } }`;
      const refused = nextMessage(socket, 'error');
      const text = number === 0 ? query.slice(0, query.indexOf(' fragment')) : query;
      subscribe(socket, `s${number}`, text, { id });
      const message = await refused;
      assert.equal(at(message, 'payload.0.extensions.code'), 'BAD_USER_INPUT');
      assert.match(String(at(message, 'payload.0.message')), /@skip or @include/);
    }
    // Each fragment spreads the next one twice: they are looked at once each, or nobody would be answered any more.
    const chain = upTo(40).map((n) => `fragment F${n} on Subscription { ...F${n + 1} ...F${n + 1} }`);
    const [first, last] = [/F(\d+)/.exec(chain[0] ?? '')?.[1], Number(/F(\d+)/.exec(chain.at(-1) ?? '')?.[1]) + 1];
    const end = `fragment F${last} on Subscription { runEvents(runId: $id) { sequence } }`;
    const tooMany = nextMessage(socket, 'error');
    subscribe(socket, 'chain', `subscription ($id: ID!) { ...F${first} } ${chain.join(' ')} ${end}`, { id });
    assert.match(JSON.stringify(await tooMany), /rootFields 1099511627776, more than 20/);
    assert.equal(socket.readyState, WebSocket.OPEN);
    socket.close();
  });

  it('carries at most 20 subscriptions', async () => {
    const { id } = await newRun(api);
    const socket = await openSocket(api, api.keys.VIEWER);
    const refused = nextMessage(socket, 'error');
    for (const number of upTo(21)) subscribe(socket, `s${number}`, EVENTS, { id });
    const message = await refused;
    assert.equal(at(message, 'payload.0.extensions.code'), 'BAD_USER_INPUT');
    assert.match(String(at(message, 'payload.0.message')), /at most 20/);
    assert.equal(socket.readyState, WebSocket.OPEN);
    socket.close();
  });

  it('is kept while it answers pings, and dropped when it does not', async () => {
    const silent = await openSocket(api, api.keys.ADMIN, { autoPong: false });
    const lively = await openSocket(api, api.keys.OPERATOR);
    await once(lively, 'ping');
    assert.equal(await closeCode(silent), 1006);
    await once(lively, 'ping');
    await once(lively, 'ping');
    assert.equal(lively.readyState, WebSocket.OPEN);
    const pong = nextMessage(lively, 'pong');
    lively.send(JSON.stringify({ type: 'ping' }));
    await pong;
    lively.close();
  });

  it('is closed with 4401 when it asks before it has said who it is, and with 4408 when it says nothing', async () => {
    const [hasty, mute] = [socketOf(api), socketOf(api)];
    await Promise.all([once(hasty, 'open'), once(mute, 'open')]);
    subscribe(hasty, 'a', EVENTS, { id: 'x' });
    assert.deepEqual(await Promise.all([closeCode(hasty), closeCode(mute)]), [4401, 4408]);
  });
});

describe('a socket whose client sleeps', () => {
  it('does not hold up the end of the service', { timeout: 20_000 }, async () => {
    const own = await openApi();
    const socket = await openSocket(own, own.keys.ADMIN);
    const { _socket: connection } = socket as unknown as { _socket: Socket };
    connection.pause();
    // Without a limit of its own, ws gives such a client half a minute.
    await own.close();
    socket.terminate();
  });
});

describe('a connection that asks for a socket where there is none, and breaks', () => {
  it('does not end the process', async () => {
    const api = await openApi();
    const { port } = new URL(api.url);
    const asked = 'GET /elsewhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    for (let i = 0; i < 20; i++) {
      const socket = connect(Number(port), '127.0.0.1');
      await once(socket, 'connect');
      await new Promise((resolve) => socket.write(asked, resolve));
      socket.resetAndDestroy();
      await once(socket, 'close');
    }
    assert.equal((await fetch(`${api.url}/readyz`)).status, 200);
    await api.close();
  });
});

describe('a thousand sockets', () => {
  let api: TestApi;
  before(async () => {
    api = await openApi({ TEDDYHUB_SOCKETS_PER_KEY: '1000' });
  });
  after(() => api.close());

  it('that were opened, followed a run and were aborted leave nothing behind', { timeout: 120_000 }, async () => {
    const { id } = await newRun(api);
    const ways = ['runEvents(runId: $id) { sequence }', 'runProgress(runId: $id) { sequence }'];
    const openAndAbort = async (number: number) => {
      const socket = await openSocket(api, api.keys.VIEWER);
      assert.equal(socket.readyState, WebSocket.OPEN);
      subscribe(socket, 'a', `subscription ($id: ID!) { ${ways[number % 2]} }`, { id });
      // Some go before they are answered, most in the middle of it.
      if (number % 5 !== 0) await nextMessage(socket, 'next');
      socket.terminate();
    };
    for (let opened = 0; opened < 1_000; opened += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, number) => openAndAbort(opened + number)));
    }
    await until('nothing is open', () => Object.values(api.gauges()).every((gauge) => gauge === 0));
    const key = api.keys.VIEWER;
    const client = createClient({
      url: `${api.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${key}` },
    });
    for await (const event of client.iterate({ query: EVENTS, variables: { id } })) {
      assert.equal(at(event, 'data.runEvents.sequence'), 1);
      break;
    }
    await client.dispose();
    await until('nothing is open', () => Object.values(api.gauges()).every((gauge) => gauge === 0));
  });
});
