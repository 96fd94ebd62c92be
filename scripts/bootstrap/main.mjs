/** The steps of set-up, in order. A step that is done under its present key costs a few milliseconds. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from './build.mjs';
import { lineOf } from './failure.mjs';
import { withLock } from './lock.mjs';
import { packages } from './packages.mjs';
import { layout } from './paths.mjs';
import { prisma } from './prisma.mjs';
import { python } from './python.mjs';
import { juicefs, seaweedfs } from './s3-servers.mjs';
import { tensorflow } from './tensorflow.mjs';

const STEPS = [packages, tensorflow, prisma, build];
const FOR_TESTS = [seaweedfs, juicefs, python];
const USAGE = `Usage: node scripts/bootstrap.mjs [--with-tests] [--step <name>]

Sets this checkout up: npm packages with the pinned Node, TensorFlow, the Prisma client, and the build. Only what changed
is done again. Needs Node >= 20.19 with npm, Python 3 with pip, and a C++ compiler.

  --with-tests    also what the tests need: two S3 servers, the Python client's packages
  --pending       only name the steps that a set-up would do now; exit status 1 if there are any
  --step <name>   only this step: ${[...STEPS, ...FOR_TESTS].map(({ name }) => name).join(', ')}
  --help          this text

Environment
  TEDDYHUB_CACHE        folder shared by checkouts for TensorFlow and the like (default: ~/.cache/teddyhub)
  TEDDYHUB_TENSORFLOW   cpu; gpu (CUDA 12, from NVIDIA's packages); or a folder with lib/ and include/ of
                        libtensorflow 2.21 (default: what this checkout was last set up with, at first cpu)`;

export async function main(args) {
  try {
    const options = {
      'with-tests': { type: 'boolean' },
      pending: { type: 'boolean' },
      step: { type: 'string' },
      help: { type: 'boolean' },
    };
    const { values } = parseArgs({ args, options });
    if (values.help) return console.log(USAGE);
    const all = [...STEPS, ...FOR_TESTS];
    const steps =
      values.step === undefined ? (values['with-tests'] ? all : STEPS) : all.filter(({ name }) => name === values.step);
    if (steps.length === 0)
      throw Object.assign(new Error(`There is no step ${values.step}`), { code: 'ERR_PARSE_ARGS' });
    if (values.pending) return listPending(steps, layout(), process.env);
    await bootstrap(steps, layout(), process.env);
  } catch (error) {
    const line = error.code?.startsWith('ERR_PARSE_ARGS') ? `${error.message} (see --help)` : lineOf(error);
    if (line === undefined) throw error;
    console.error(`bootstrap: ${line}`);
    process.exitCode = 1;
  }
}

function listPending(steps, paths, env) {
  const names = pending(steps, paths, env).map(({ name }) => name);
  if (names.length > 0) console.log(names.join('\n'));
  process.exitCode = names.length > 0 ? 1 : 0;
}

async function bootstrap(steps, paths, env) {
  if (pending(steps, paths, env).length === 0) return;
  const waiting = (pid) => console.error(`Waiting for the set-up that process ${pid} is doing ...`);
  await withLock(join(paths.state, 'bootstrap.lock'), waiting, async () => {
    // All that is missing on the machine shows at once, and not after minutes of the steps before.
    for (const step of pending(steps, paths, env)) await step.require?.(paths, env);
    sweep(paths);
    for (const [index, step] of steps.entries()) {
      if (isDone(step, paths, env)) continue;
      const began = Date.now();
      process.stderr.write(`[${index + 1}/${steps.length}] ${step.title} ... `);
      await step.run(paths, env).catch((error) => {
        process.stderr.write('failed\n');
        throw error;
      });
      process.stderr.write(`${((Date.now() - began) / 1000).toFixed(1)} s\n`);
    }
  });
}

const pending = (steps, paths, env) => steps.filter((step) => !isDone(step, paths, env));

/** A step whose inputs are not there yet, since an earlier one makes them, is not done. */
function isDone(step, paths, env) {
  try {
    return step.isDone(paths, env);
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

/** Removes what interrupted set-ups left half-way in the cache. */
function sweep({ cache }) {
  for (const folder of ['', 'downloads', 'tensorflow', 'binding', 'python'].map((name) => join(cache, name))) {
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder)) {
      const pid = /(\d+)\.partial$/.exec(name)?.[1];
      if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(folder, name), { recursive: true, force: true });
    }
  }
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}
