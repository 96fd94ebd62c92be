/**
 * The claim of the method, the same accuracy in much less time: how long SRe2L takes for its accuracy, synthesis, labels and
 * student together, in seconds of CPU, and how long teddy takes to reach it, with growing shares of its own steps; and random
 * real images beside them, and SRe2L with fewer steps of synthesis. All in one run, with the same teachers, labels and recipe. Writes
 * bench/results/time-to-accuracy-<suite>.json.
 *
 *     npm run bench -- time-to-accuracy --suite cifar10 [--data <archive or folder>] [--row <row's name>] [--seeds 3] [--work <folder>]
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recipeConfig } from '../src/domain/config/evaluation.js';
import { labelConfig, synthesisConfig } from '../src/domain/config/run.js';
import { namedOf } from './support/chosen.js';
import { countOf, end, optionsOf } from './support/options.js';
import { about, mean, quantile, rounded, writeResult } from './support/report.js';
import { synthesisOf } from './support/suite-options.js';
import { openSuite, suiteOf } from './support/suite-runner.js';
import type { Method, Row } from './support/suites.js';

const values = optionsOf('time-to-accuracy', {
  suite: { type: 'string', default: 'fashion-mnist' },
  row: { type: 'string', default: 'IPC 10, 1000 steps' },
  seeds: { type: 'string', default: '3' },
  data: { type: 'string' },
  work: { type: 'string', default: join(tmpdir(), 'teddyhub-time') },
});
const suite = suiteOf('time-to-accuracy', values.suite, values.data);
const [chosen, ...others] = namedOf(suite.rows, 'time-to-accuracy', 'row', [values.row]) as [Row, ...Row[]];
if (others.length > 0) end('time-to-accuracy', `--row ${values.row} names ${others.length + 1} rows; name one of them`);
// A reading is a pass over the test split, in the time of every row: one, at the end.
const row: Row = { ...chosen, recipe: recipeConfig.parse({ ...chosen.recipe, accuracyReadings: 1 }) };
const seeds = Array.from({ length: countOf('time-to-accuracy', 'seeds', values.seeds) }, (_, seed) => seed);
const opened = await openSuite(suite, values.data, values.work);

/** The row with this share of the steps of synthesis and of the student. */
function shortened(full: Row, share: number): Row {
  const part = (steps: number) => Math.max(1, Math.round(share * steps));
  return {
    ...full,
    teddy: synthesisConfig.parse({ ...full.teddy, steps: part(full.teddy.steps) }),
    labels: labelConfig.parse({ ...full.labels, fkdSteps: part(full.labels.fkdSteps) }),
    recipe: recipeConfig.parse({ ...full.recipe, steps: part(full.recipe.steps) }),
  };
}

async function measured(of: Row, method: Method, synthesisShare = 1) {
  const accuracies: number[] = [];
  const cpuSeconds: number[] = [];
  for (const seed of seeds) {
    const outcome = await opened.measure(of, method, seed, synthesisShare);
    accuracies.push(rounded(outcome.soft));
    cpuSeconds.push(rounded(outcome.cpuSeconds.making + outcome.cpuSeconds.student));
  }
  const result = { top1: rounded(mean(accuracies)), accuracies, cpuSeconds: rounded(quantile(cpuSeconds, 0.5)) };
  const steps = {
    synthesisSteps: synthesisOf(suite, of, method, synthesisShare)?.steps ?? 0,
    studentSteps: of.recipe.steps,
  };
  process.stdout.write(
    `${method} ${steps.synthesisSteps} and ${steps.studentSteps} steps: ${result.top1} in ${result.cpuSeconds} s of CPU\n`,
  );
  return { ...steps, ...result };
}

const sre2l = await measured(row, 'SRE2L');
type Tried = Awaited<ReturnType<typeof measured>>;
const result = {
  ...about(`npm run bench -- time-to-accuracy --suite ${values.suite} --row '${row.name}' --seeds ${values.seeds}`),
  row: row.name,
  seeds,
  /** What both need before: the pool, and for teddy the statistics of each teacher. */
  before: opened.cpuSeconds,
  sre2l,
  teddy: [] as Tried[],
  /** Which need no synthesis at all. */
  randomReal: [] as Tried[],
  /** Whether it needs all of its synthesis: shares of it, under the whole student. */
  sre2lShorter: [] as Tried[],
};
/** After every row, so that a run cut short leaves what it has. */
function save(rows: Tried[], one: Tried): void {
  rows.push(one);
  writeResult(`time-to-accuracy-${values.suite}`, result);
}

/** From a 32nd on, in steps of the root of 2: what is found is at most that much longer than need be. */
const SHARES = Array.from({ length: 11 }, (_, i) => 2 ** (i / 2 - 5));

/** Growing shares of the row's steps, up to the first that reaches SRe2L's accuracy. */
async function reach(method: Method, rows: Tried[]): Promise<void> {
  for (const share of SHARES) {
    const one = await measured(shortened(row, share), method);
    save(rows, one);
    if (one.top1 >= sre2l.top1) break;
  }
}

await reach('TEDDY', result.teddy);
await reach('RANDOM_REAL', result.randomReal);
for (const share of [1 / 2, 1 / 4]) save(result.sre2lShorter, await measured(row, 'SRE2L', share));
