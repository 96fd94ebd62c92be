import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import { startEmbeddedStack } from '../../src/platform/embedded/stack.js';
import { CLI, startTeddyhub, stopTeddyhubs } from '../support/command.js';

let folder: string;
let environment: NodeJS.ProcessEnv;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'teddyhub-key-'));
  // PostgreSQL refuses to run as root: where root runs the tests, another account must reach the folder.
  await chmod(folder, 0o755);
  environment = { NODE_ENV: 'test', TEDDYHUB_STATE_DIR: join(folder, 'state') };
  await (await startEmbeddedStack({ stateDir: join(folder, 'state'), fast: true })).stop();
});

after(async () => {
  await stopTeddyhubs();
  await rm(folder, { recursive: true, force: true });
});

describe('teddyhub key', () => {
  it('refuses names that are none', async () => {
    for (const option of ['--name', '--project']) {
      const run = startTeddyhub(['key', 'create', '--name', 'x', option, ' '], environment);
      assert.equal(await run.ended, 1);
      assert.equal(run.stderr(), `teddyhub: ${option} takes 1 to 200 characters on one line.\n`);
    }
  });

  it('makes no service of its own in a folder that holds none', async () => {
    const TEDDYHUB_STATE_DIR = join(environment.TEDDYHUB_STATE_DIR ?? '', 'misspelt');
    for (const command of [['key', 'list'], ['key', 'create', '--name', 'x'], ['gc']]) {
      const run = startTeddyhub(command, { ...environment, TEDDYHUB_STATE_DIR });
      assert.equal(await run.ended, 1);
      assert.match(run.stderr(), /^teddyhub: There is no Teddyhub in [^\n]*misspelt: [^\n]*teddyhub up\.\n$/);
      assert.ok(!existsSync(TEDDYHUB_STATE_DIR));
    }
  });

  it('makes, lists and revokes keys of the embedded database', { timeout: 60_000 }, async () => {
    const create = startTeddyhub(
      ['key', 'create', '--name', 'trainer', '--role', 'VIEWER', '--days', '3'],
      environment,
    );
    assert.equal(await create.ended, 0, create.stderr());
    const prefix = /^thk_([0-9a-f]{8})_/.exec(create.stdout())?.[1] ?? '';
    const revoke = startTeddyhub(['key', 'revoke', prefix], environment);
    assert.equal(await revoke.ended, 0, revoke.stderr());
    const list = startTeddyhub(['key', 'list'], environment);
    assert.equal(await list.ended, 0, list.stderr());
    assert.match(
      list.stdout(),
      new RegExp(`${prefix}  VIEWER    revoked \\d{4}-\\d\\d-\\d\\d  last used -  trainer  \\(default\\)`),
    );
    assert.doesNotMatch(list.stdout(), /thk_/);
    const twice = startTeddyhub(['key', 'revoke', prefix], environment);
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
      const first = startTeddyhub(['key', 'create', '--name', 'x'], external);
      assert.equal(await first.ended, 0, first.stderr());
      // As an older version left it.
      const last = 'SELECT max(migration_name) FROM _prisma_migrations';
      await client.query(`DELETE FROM _prisma_migrations WHERE migration_name = (${last})`);
      const before = await applied();
      for (const command of [
        ['key', 'list'],
        ['gc', '--dry-run'],
      ]) {
        const theirs = startTeddyhub(command, external);
        assert.equal(await theirs.ended, 1);
        const line =
          '\\S+/teddyhub lacks a migration of this version: stop its workers and API, then run node scripts/migrate.mjs deploy.';
        assert.match(theirs.stderr(), new RegExp(`^teddyhub: ${line}\n$`));
        const joined = startTeddyhub(command, env);
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
    const alone = startTeddyhub(['key', 'list'], env);
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
      assert.equal(await startTeddyhub(['key', 'revoke', prefix], environment).ended, 0);
    } finally {
      await full.close();
    }
  });
});
