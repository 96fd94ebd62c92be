import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import { diagnose, type Finding } from '../../src/cli/doctor.js';
import { startEmbeddedStack } from '../../src/platform/embedded/stack.js';
import { deployMigrations } from '../../src/platform/migrate/migrations.js';

describe('doctor', () => {
  let stateDir: string;

  before(() => {
    stateDir = mkdtempSync(join(tmpdir(), 'teddyhub-doctor-'));
    chmodSync(stateDir, 0o755);
  });
  after(() => rmSync(stateDir, { recursive: true, force: true }));

  const environment = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => {
    const usual = Object.entries(process.env).filter(([name]) => !/^(DATABASE_URL|S3_|TEDDYHUB_)/.test(name));
    return { ...Object.fromEntries(usual), TEDDYHUB_STATE_DIR: stateDir, ...env };
  };
  const named = (findings: Finding[], name: string) => findings.find((finding) => finding.name === name);

  it('finds nothing wrong where everything is set up', async () => {
    const findings = await diagnose(environment({}), stateDir);
    assert.deepEqual(
      findings.filter(({ ok }) => !ok),
      [],
    );
    assert.deepEqual(
      findings.map(({ name }) => name),
      ['Node', 'TensorFlow', 'device', 'cores', 'memory', 'database', 'object store'],
    );
    assert.equal(named(findings, 'TensorFlow')?.detail, '2.21.0');
    assert.match(named(findings, 'database')?.detail ?? '', /^PostgreSQL 18\.\d+ \(embedded/);
  });

  it('says in one line that the database does not answer, and goes on', async () => {
    const findings = await diagnose(environment({ DATABASE_URL: 'postgresql://a:b@127.0.0.1:1/c' }), stateDir);
    assert.deepEqual(named(findings, 'database'), {
      name: 'database',
      ok: false,
      detail: 'No database answers at 127.0.0.1:1/c: start it, or check DATABASE_URL.',
    });
    assert.equal(named(findings, 'object store')?.ok, true);
  });

  it('names a mistake in the configuration', async () => {
    const findings = await diagnose(environment({ PORT: 'many' }), stateDir);
    assert.equal(named(findings, 'configuration')?.ok, false);
    assert.match(named(findings, 'configuration')?.detail ?? '', /PORT/);
  });

  it('finds it wrong that a GPU was asked for and the CPU is used, and a name that nothing reads', async () => {
    const hidden = { TEDDYHUB_TENSORFLOW: 'gpu', CUDA_VISIBLE_DEVICES: '', TEDDYHUB_RATE_LIMTI: '5', PORT: 'many' };
    const findings = await diagnose(environment(hidden), stateDir);
    assert.equal(named(findings, 'device')?.ok, false);
    assert.match(named(findings, 'device')?.detail ?? '', /^CPU: no GPU is seen: check nvidia-smi/);
    const names = 'TEDDYHUB_RATE_LIMTI: nothing reads it; .env.example has the names.';
    assert.deepEqual(named(findings, 'environment'), { name: 'environment', ok: false, detail: names });
  });

  it('tells a database that lacks migrations, with what applies them, from one that is newer than the checkout', async () => {
    const stack = await startEmbeddedStack({ stateDir, fast: true });
    const client = new pg.Client({ connectionString: stack.databaseUrl });
    try {
      await client.connect();
      const env = environment({ DATABASE_URL: stack.databaseUrl });
      const before = named(await diagnose(env, stateDir), 'database');
      assert.match(
        before?.detail ?? '',
        /migrations to apply: \d+ \(node scripts\/migrate\.mjs deploy applies them\)$/,
      );
      const embedded = named(await diagnose(environment({}), stateDir), 'database');
      assert.match(embedded?.detail ?? '', /migrations to apply: \d+ \(the next start applies them\)$/);
      await deployMigrations(stack.databaseUrl);
      await client.query(
        `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
         VALUES (gen_random_uuid(), '0', '29990101000000_next', now(), now(), 1)`,
      );
      assert.deepEqual(named(await diagnose(env, stateDir), 'database'), {
        name: 'database',
        ok: false,
        detail: 'The database (DATABASE_URL) has had migrations that this version does not know: update this checkout.',
      });
    } finally {
      await client.end();
      await stack.stop();
    }
  });
});
