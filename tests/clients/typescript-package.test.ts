import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

describe('the packed TypeScript client', () => {
  let folder: string;
  const packed = () => join(folder, 'node_modules/@teddyhub/client');

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'teddyhub-client-'));
    // As its README says.
    execFileSync('npm', ['--prefix', 'clients/typescript', 'run', 'build'], { cwd: ROOT });
    execFileSync('npm', ['pack', join(ROOT, 'clients/typescript'), '--silent'], { cwd: folder });
    await mkdir(packed(), { recursive: true });
    execFileSync('tar', ['xzf', 'teddyhub-client-0.1.0.tgz', '-C', packed(), '--strip-components=1'], { cwd: folder });
    // As an installation would bring them.
    const { dependencies } = JSON.parse(await readFile(join(packed(), 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    for (const name of [...Object.keys(dependencies), 'graphql']) {
      await symlink(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
    }
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('is imported by its name, without a tool that knows TypeScript', async () => {
    const script = `import { openTeddyhub, operations } from '@teddyhub/client';
      const nobody = openTeddyhub({ url: 'http://127.0.0.1:9', key: 'k', patienceMs: 0 });
      await nobody.query(operations.Viewer, {}).catch((error) => console.log(error.code));`;
    await writeFile(join(folder, 'use.mjs'), script);
    assert.equal(execFileSync(process.execPath, ['use.mjs'], { cwd: folder, encoding: 'utf8' }).trim(), 'UNREACHABLE');
  });

  it('brings its types', async () => {
    const use = `import { openTeddyhub, operations } from '@teddyhub/client';
      const teddyhub = openTeddyhub({ url: '', key: '' });
      export const role: Promise<string> = teddyhub.query(operations.Viewer, {}).then(({ viewer }) => viewer.role);
      // @ts-expect-error: there is no such field.
      export const wrong = teddyhub.query(operations.Viewer, {}).then(({ viewer }) => viewer.nonsense);`;
    await writeFile(join(folder, 'use.mts'), use);
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--skipLibCheck', 'use.mts'];
    execFileSync(join(ROOT, 'node_modules/.bin/tsc'), options, { cwd: folder, encoding: 'utf8' });
  });
});
