import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { openTeddyhub, type Teddyhub } from '../../clients/typescript/src/index.js';
import { NODE_FLAGS } from '../../src/cli/node-flags.js';
import { ApiKeyRepository } from '../../src/modules/api-key/api-key.repository.js';
import { OperatorKeys } from '../../src/modules/api-key/operator-keys.js';
import { toGlobalId } from '../../src/modules/kit/node.js';
import { startRun } from '../../src/platform/orchestration/index.js';
import { claimNext, complete, workOff } from '../support/by-hand.js';
import { CLI } from '../support/command.js';
import { seedDataset, seedPool, seedRun } from '../support/seeds.js';
import { until } from '../support/until.js';
import { createWorld, type World } from '../support/world.js';

const SUBSCRIBERS = 1_000;
const KEYS = 10;

let world: World;
let port: number;
let child: ChildProcess | undefined;
let clients: Teddyhub[] = [];
before(async () => {
  world = await createWorld();
  // A port of its own, which every process in turn will have.
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as { port: number }).port;
  server.close();
  await once(server, 'close');
});
after(async () => {
  await Promise.all(clients.map((client) => client.close()));
  child?.kill('SIGKILL');
  await world.close();
});

async function startApiProcess(): Promise<ChildProcess> {
  const { PATH, HOME } = process.env;
  const env = {
    ...{ PATH, HOME, NODE_ENV: 'test', LOG_LEVEL: 'error' },
    ...{ DATABASE_URL: world.databaseUrl, PORT: String(port), TEDDYHUB_STATE_DIR: world.stateDir },
  };
  child = spawn(process.execPath, [...NODE_FLAGS, CLI, 'api'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const url = `http://127.0.0.1:${port}/readyz`;
  await until('the API is ready', () =>
    fetch(url).then(
      (response) => response.ok,
      () => false,
    ),
  );
  return child;
}

async function stop(process: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const ended = once(process, 'exit') as Promise<[number | null]>;
  process.kill(signal);
  return (await ended)[0];
}

describe('a thousand subscribers', () => {
  it('see every change of state once and in order, while the API is restarted under them', {
    timeout: 300_000,
  }, async () => {
    const { database, queue } = world;
    const backend = { database, queue };
    const project = await database.project.create({ data: { name: 'default' } });
    const run = await seedRun(database, await seedPool(database, await seedDataset(database, project)));
    await world.transact((work) => startRun(work, run.id));
    const runId = toGlobalId('DistillationRun', run.id);
    const keys = new OperatorKeys(new ApiKeyRepository(database));
    const newKey = () => keys.create({ name: 'k', role: 'VIEWER', project: 'default' });
    const secrets = await Promise.all(Array.from({ length: KEYS }, newKey));

    let api = await startApiProcess();
    const seen = Array.from({ length: SUBSCRIBERS }, () => ({ states: [] as string[], sequences: [] as number[] }));
    clients = seen.map((_, index) =>
      openTeddyhub({ url: `http://127.0.0.1:${port}`, key: secrets[index % KEYS] ?? '', webSocket: WebSocket }),
    );
    const following = clients.map(async (client, index) => {
      for await (const event of client.runEvents(runId)) {
        seen[index]?.sequences.push(event.sequence);
        if (event.__typename === 'RunStateChanged') seen[index]?.states.push(event.to);
      }
    });
    const allHaveSeen = (state: string) =>
      until(`all have seen ${state}`, () => seen.every(({ states }) => states.includes(state)), 120_000);

    await allHaveSeen('QUEUED');
    const claim = await claimNext(backend, { runId: run.id });
    await allHaveSeen('PREPARING');

    // In good order: the process says goodbye, and the run goes on while there is none.
    const witness = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws');
    await once(witness, 'open');
    witness.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${await newKey()}` } }));
    const goodbye = once(witness, 'close') as Promise<[number]>;
    assert.equal(await stop(api, 'SIGTERM'), 0);
    assert.equal((await goodbye)[0], 1001);
    await complete(backend, claim);
    while ((await database.distillationRun.findUniqueOrThrow({ where: { id: run.id } })).state === 'PREPARING') {
      await complete(backend, await claimNext(backend, { runId: run.id }));
    }
    api = await startApiProcess();
    await allHaveSeen('SYNTHESIZING');

    // And without any.
    await stop(api, 'SIGKILL');
    api = await startApiProcess();
    await workOff(backend, { runId: run.id });
    await Promise.all(following);

    const { eventSequence } = await database.distillationRun.findUniqueOrThrow({ where: { id: run.id } });
    const sequences = Array.from({ length: eventSequence }, (_, index) => index + 1);
    const states = ['QUEUED', 'PREPARING', 'SYNTHESIZING', 'LABELING', 'PUBLISHING', 'SUCCEEDED'];
    for (const one of seen) assert.deepEqual(one, { states, sequences });
    assert.equal(await stop(api, 'SIGTERM'), 0);
  });
});
