/**
 * Accuracy of teddy beside its baselines, all with the same labels, recipe and student steps, paired by seed: random real
 * images, low-loss crops of real images, and SRe2L as a configuration (one fully trained teacher, noise, cross-entropy and
 * moments). The rows are those of bench/support/suites.ts. Writes bench/results/quality-<suite>.json after every student: each
 * accuracy with the commit and machine that gave it, and the mean difference to random real images with its standard error. What the file
 * holds already of the same options is not computed again, so a suite of hours can be run in parts; `--fresh` empties the file first.
 * What the same code computed before comes from the work folder in either case.
 *
 *     npm run bench -- quality --suite cifar10 [--rows <a row's name, or words of it>]... [--methods TEDDY,SRE2L]
 *         [--pairs <at most so many of each row>] [--from <the first of them to measure, 1 unless given>]
 *         [--data <archive or folder of the images>] [--fresh] [--work <folder>]
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { namedOf } from './support/chosen.js';
import { digestOf } from './support/digest.js';
import { countOf, end, optionsOf, someOf } from './support/options.js';
import { isPair, type Paired } from './support/pairs.js';
import type { Outcome } from './support/pipeline.js';
import { about, mean, ORIGIN, readJson, resultsPath, rounded, standardError, writeResult } from './support/report.js';
import { optionsDigest } from './support/suite-options.js';
import { openSuite, suiteOf } from './support/suite-runner.js';
import { METHODS, type Method, type Row } from './support/suites.js';

const values = optionsOf('quality', {
  suite: { type: 'string', default: 'fashion-mnist' },
  rows: { type: 'string', multiple: true, default: [] },
  methods: { type: 'string', default: METHODS.join() },
  pairs: { type: 'string', default: '32' },
  from: { type: 'string', default: '1' },
  fresh: { type: 'boolean', default: false },
  data: { type: 'string' },
  work: { type: 'string', default: join(tmpdir(), 'teddyhub-quality') },
});
const suite = suiteOf('quality', values.suite, values.data);
const rows = namedOf(suite.rows, 'quality', 'row', values.rows);
const pairs = Math.min(countOf('quality', 'pairs', values.pairs), Math.max(...rows.map((row) => row.pairs)));
const firstSeed = countOf('quality', 'from', values.from) - 1;
if (firstSeed >= pairs) end('quality', `--from ${values.from}: of these rows ${pairs} pairs are measured at most`);
const chosen = someOf('quality', 'methods', values.methods, METHODS);

interface Measured extends Paired {
  readonly top1: number;
  readonly cpuSeconds?: Outcome['cpuSeconds'];
  /** Of the options that decide the accuracy. */
  readonly options: string;
  readonly commit: string;
}
interface Result {
  teachers?: unknown;
  cpuSeconds?: unknown;
  rows: Record<string, Partial<Record<Method, { measured: Measured[] }>>>;
}

/**
 * What decides an accuracy beside a row's options. 2: students begin with weights of their own, where those of seed 0 began with
 * the pool's. 3: those of some networks begin with torchvision's classifiers. What is older is measured again when it is asked
 * for; until then it is paired with its like.
 */
const protocolOf = ({ recipe }: Row): number =>
  ['MOBILENET_V2', 'EFFICIENTNET_B0', 'DENSENET121'].includes(recipe.architecture.name) ? 3 : 2;

const name = `quality-${values.suite}`;
const result: Result = values.fresh ? { rows: {} } : { ...readJson<Result>(resultsPath(name), { rows: {} }) };
// What was measured of other options is of another row, whatever its name.
for (const row of suite.rows) {
  const of = result.rows[row.name] ?? {};
  for (const method of METHODS) {
    const measured = of[method]?.measured.filter(({ options }) => options === optionsDigest(suite, row, method)) ?? [];
    if (measured.length > 0) of[method] = { measured };
    else delete of[method];
  }
  if (METHODS.every((method) => of[method] === undefined)) delete result.rows[row.name];
}
const opened = await openSuite(suite, values.data, values.work);
const { teachers, cpuSeconds } = opened;
const DATASET = opened.datasetDigest.replace('sha256:', '').slice(0, 12);
const POOL = digestOf(teachers.map(({ checkpoint }) => checkpoint.digest)).slice(0, 12);

function save(): void {
  const inOrder = Object.fromEntries(
    suite.rows.flatMap((row) => {
      const methods = result.rows[row.name];
      if (!methods) return [];
      const random = methods.RANDOM_REAL?.measured ?? [];
      const summaries = METHODS.flatMap((method) => {
        const measured = methods[method]?.measured;
        if (!measured) return [];
        const gains = measured.flatMap((one) => {
          const paired = random.find((other) => isPair(one, other));
          return paired ? [one.top1 - paired.top1] : [];
        });
        const gain = {
          pairs: gains.length,
          gain: rounded(mean(gains)),
          standardError: rounded(standardError(gains)),
        };
        return [[method, { mean: rounded(mean(measured.map(({ top1 }) => top1))), ...gain, measured }]];
      });
      return [[row.name, { ...row, ...Object.fromEntries(summaries) }]];
    }),
  );
  writeResult(name, {
    ...about(`npm run bench -- quality --suite ${values.suite}`),
    pool: suite.pool,
    teachers: teachers.map(({ kind, epoch, accuracy }) => ({ kind, epoch, accuracy: rounded(accuracy) })),
    cpuSeconds,
    rows: inOrder,
  });
}

/** Random real images of another machine are measured again here, unless something of that machine is compared with them. */
function isOfUse(one: Measured, row: Row, method: Method): boolean {
  if (method !== 'RANDOM_REAL' || isPair(one, { ...one, ...ORIGIN, pool: POOL })) return true;
  return METHODS.some(
    (other) =>
      other !== method && result.rows[row.name]?.[other]?.measured.some((compared) => isPair(one, compared)) === true,
  );
}

async function measure(row: Row, method: Method, seed: number): Promise<void> {
  const options = optionsDigest(suite, row, method);
  const of = result.rows[row.name] ?? {};
  result.rows[row.name] = of;
  const earlier = of[method]?.measured ?? [];
  const place = { seed, protocol: protocolOf(row), dataset: DATASET };
  const there = earlier.find((one) => isPair(one, { ...one, ...place }));
  if (there !== undefined && isOfUse(there, row, method)) return;
  const outcome = await opened.measure(row, method, seed);
  const one = {
    ...place,
    pool: POOL,
    top1: rounded(outcome.soft),
    cpuSeconds: outcome.cpuSeconds,
    options,
    ...ORIGIN,
  };
  of[method] = { measured: [...earlier.filter((other) => other.seed !== seed), one].sort((a, b) => a.seed - b.seed) };
  save();
  process.stdout.write(`${row.name.padEnd(40)} ${method.padEnd(12)} seed ${seed}  ${one.top1}\n`);
}

/** SRe2L is far behind every other method: two seeds say so. */
const SRE2L_PAIRS = 2;
// Seed by seed, so that a run cut short leaves every row with as many pairs.
for (let seed = firstSeed; seed < pairs; seed++) {
  for (const row of rows.filter((row) => seed < row.pairs)) {
    for (const method of chosen.filter((one) => row.methods.includes(one))) {
      if (method !== 'SRE2L' || seed < SRE2L_PAIRS) await measure(row, method, seed);
    }
  }
}
