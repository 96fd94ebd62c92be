/** Running the tools that set-up is made of. */
import { spawn } from 'node:child_process';
import { accessSync, appendFileSync, constants, mkdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { failureOf } from './failure.mjs';

/**
 * Runs a program without a shell and returns its standard output. A failure throws one line; its whole output goes to
 * the log. `tool` and `task` name it in that line.
 */
export async function run(paths, program, args, { tool, task, cwd = paths.root, env = {} }) {
  const { status, stdout, output } = await execute(program, args, { cwd, env: { ...toolEnvironment(), ...env } });
  if (status === 0) return stdout;
  try {
    mkdirSync(dirname(paths.log), { recursive: true });
    appendFileSync(paths.log, `$ ${program} ${args.join(' ')}\n${output}\n`);
  } catch {
    // A full disk has no room for the log either; the line below is what matters.
  }
  throw failureOf(tool, task, output, paths.log);
}

/** Resolves to the exit status (1 when it could not start) and what it printed. */
export function execute(program, args, { cwd, env = toolEnvironment() } = {}) {
  return new Promise((done) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.on('error', (error) => done({ status: 1, stdout, output: `${output}${error.message}` }));
    child.on('close', (status) => done({ status: status ?? 1, stdout, output }));
  });
}

/** The first of `names` that is on PATH, or undefined. */
export function find(...names) {
  const folders = toolEnvironment().PATH.split(delimiter).filter(Boolean);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

/**
 * The environment without the project's own .bin folder: set-up replaces node_modules, so its tools must run on the
 * machine's Node and not on the pinned one in there.
 */
function toolEnvironment() {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => !/node_modules[\\/]\.bin$/.test(folder));
  return { ...process.env, PATH: folders.join(delimiter), LC_ALL: 'C' };
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
