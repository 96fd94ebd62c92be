import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { diagnose, type Finding } from '../../src/cli/doctor.js';

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
      detail: 'No database answers at 127.0.0.1:1/c: start it, or mend DATABASE_URL.',
    });
    assert.equal(named(findings, 'object store')?.ok, true);
  });

  it('names a mistake in the configuration', async () => {
    const findings = await diagnose(environment({ PORT: 'many' }), stateDir);
    assert.equal(named(findings, 'configuration')?.ok, false);
    assert.match(named(findings, 'configuration')?.detail ?? '', /PORT/);
  });
});
