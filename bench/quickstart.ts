/**
 * Runs the quickstart in a folder of its own and writes what it answered, and the most memory that it and everything it
 * started (API, Postgres, workers, compute children) held at once: the sum of their proportional set sizes, so that shared
 * pages count once. Needs Linux's /proc for the memory.
 *
 *     npm run bench -- quickstart [options of the quickstart]
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { about, rounded, writeResult } from './support/report.js';

const SAMPLE_EVERY_MS = 500;

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // The process has ended meanwhile.
  }
};

/** Process ids of a process and all it has started. */
function treeOf(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    // The parent's id is the second field after the command, which is in parentheses and may hold anything.
    const parent = Number(read(`/proc/${name}/stat`).split(') ').at(-1)?.split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

const kibibytes = (pid: number): number => Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);

const stateDir = mkdtempSync(join(tmpdir(), 'teddyhub-bench-'));
const options = process.argv.slice(2);
const cli = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const child = spawn(process.execPath, [cli, 'quickstart', ...options, '--json'], {
  env: { ...process.env, TEDDYHUB_STATE_DIR: stateDir },
  stdio: ['ignore', 'pipe', 'inherit'],
});
let output = '';
child.stdout.on('data', (chunk: Buffer) => {
  output += chunk.toString();
});
let peak = 0;
const sampling = setInterval(() => {
  const held = treeOf(child.pid as number).reduce((sum, pid) => sum + kibibytes(pid), 0);
  peak = Math.max(peak, held);
}, SAMPLE_EVERY_MS);
const status = await new Promise<number | null>((done) => child.once('close', done));
clearInterval(sampling);
rmSync(stateDir, { recursive: true, force: true });
const lastLine = output.trim().split('\n').at(-1) ?? '';
if (status === 0 && !lastLine.startsWith('{')) {
  process.stdout.write(output); // It was asked for its help.
} else if (status === 0) {
  const answer = JSON.parse(lastLine) as Record<string, unknown>;
  const { distilledSetId: _, ...numbers } = answer;
  const command = ['npm run bench -- quickstart', ...options].join(' ');
  writeResult('quickstart', { ...about(command), ...numbers, peakMemoryGiB: rounded(peak / 2 ** 20) });
  console.error(`  peak memory    ${rounded(peak / 2 ** 20)} GiB`);
} else {
  process.exitCode = 1;
}
