import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readConfig } from '../../src/platform/config/env.js';
import { startEmbeddedStack } from '../../src/platform/embedded/stack.js';
import { startTeddyhub, stopTeddyhubs } from '../support/command.js';
import { takePort } from '../support/ports.js';

const MIGRATE = fileURLToPath(new URL('../../src/platform/migrate/main.js', import.meta.url));

let folder: string;
let environment: NodeJS.ProcessEnv;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'teddyhub-configuration-'));
  // PostgreSQL refuses to run as root: where root runs the tests, another account must reach the folder.
  await chmod(folder, 0o755);
  environment = { NODE_ENV: 'test', TEDDYHUB_STATE_DIR: join(folder, 'state') };
});

after(async () => {
  await stopTeddyhubs();
  await rm(folder, { recursive: true, force: true });
});

describe('teddyhub api', () => {
  it('says in one line that its port is in use', { timeout: 60_000 }, async () => {
    const stack = await startEmbeddedStack({ stateDir: join(folder, 'state'), fast: true });
    const taken = await takePort();
    try {
      const { PATH, HOME } = process.env;
      const env = { PATH, HOME, DATABASE_URL: stack.databaseUrl };
      const migrated = spawnSync(process.execPath, [MIGRATE, 'deploy'], { env, encoding: 'utf8' });
      assert.equal(migrated.status, 0, migrated.stderr);
      const run = startTeddyhub(['api'], { ...environment, PORT: taken.port, DATABASE_URL: stack.databaseUrl });
      assert.equal(await run.ended, 1);
      assert.match(run.stderr(), new RegExp(`^teddyhub: PORT: ${taken.port} is in use [^\\n]*\\n$`));
    } finally {
      taken.free();
      await stack.stop();
    }
  });

  it('says in one line that it needs a database', async () => {
    const run = startTeddyhub(['api'], environment);
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
      const run = startTeddyhub([command], { ...environment, TEDDYHUB_STATE_DIR: file });
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

describe('a mistake in the configuration', () => {
  it('is one line, and so is each of several', async () => {
    const run = startTeddyhub(['up'], {
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
