/**
 * Times the steps of the engine against PyTorch, eager and compiled, doing the same: rounds of a few steps each take turns in
 * one run, so that a noisy machine is noisy to all. Writes bench/results/engine.json: medians, quartiles, ratios to eager and
 * to compiled; and what single kernels reach.
 *
 *     npm run bench -- engine [--python <python with torch>] [--rounds 4] [--steps 5] [--only <a case's name, or words of it>]...
 */
import { namedOf } from './support/chosen.js';
import { CASES, type EngineCase, nameOf, stepOf } from './support/engine-cases.js';
import { timeKernels } from './support/kernel-times.js';
import { countOf, optionsOf } from './support/options.js';
import { PYTHON, versionOfModule } from './support/python.js';
import { type Mode, type Peer, startPeer } from './support/pytorch-peer.js';
import { about, quantile, rounded, writeResult } from './support/report.js';

const values = optionsOf('engine', {
  python: { type: 'string', default: PYTHON },
  rounds: { type: 'string', default: '4' },
  steps: { type: 'string', default: '5' },
  only: { type: 'string', multiple: true, default: [] },
});
const rounds = countOf('engine', 'rounds', values.rounds);
const steps = countOf('engine', 'steps', values.steps);
const WARMUP = 3;
const MODES: readonly Mode[] = ['eager', 'compile'];

const spread = (times: readonly number[]) => ({
  median: rounded(quantile(times, 0.5)),
  quartiles: [rounded(quantile(times, 0.25)), rounded(quantile(times, 0.75))],
});

/** A case on a machine of its own would be compared as a whole; here every round is a comparison. */
async function compare(one: EngineCase, peer: Peer) {
  const step = await stepOf(one);
  let at = 0;
  const own = (count: number): number[] =>
    Array.from({ length: count }, () => {
      const start = performance.now();
      step(at++);
      return performance.now() - start;
    });
  own(WARMUP);
  const times: Record<Mode | 'teddyhub', number[]> = { teddyhub: [], eager: [], compile: [] };
  for (const mode of MODES) await peer.time(one, mode, 1, WARMUP);
  for (let round = 0; round < rounds; round++) {
    times.teddyhub.push(...own(steps));
    for (const mode of MODES) times[mode].push(...(await peer.time(one, mode, steps, 0)));
  }
  const median = (name: keyof typeof times) => quantile(times[name], 0.5);
  return {
    name: nameOf(one),
    milliseconds: {
      teddyhub: spread(times.teddyhub),
      eager: spread(times.eager),
      compile: spread(times.compile),
    },
    ratioToEager: rounded(median('teddyhub') / median('eager')),
    ratioToCompiled: rounded(median('teddyhub') / median('compile')),
  };
}

const named = CASES.map((one) => ({ name: nameOf(one), one }));
const chosen = namedOf(named, 'engine', 'case', values.only);
const torch = versionOfModule('engine', values.python, 'torch');
const peer = startPeer(values.python);
const cases = [];
for (const { one } of chosen) {
  const row = await compare(one, peer);
  cases.push(row);
  const { teddyhub, eager, compile } = row.milliseconds;
  process.stdout.write(
    `${row.name.padEnd(48)} ${teddyhub.median} ms, eager ${eager.median} (${row.ratioToEager}), compiled ${compile.median} (${row.ratioToCompiled})\n`,
  );
}
peer.stop();
const kernels = timeKernels();
for (const { name, milliseconds, gigaflops } of kernels) {
  process.stdout.write(
    `${name.padEnd(48)} ${milliseconds} ms${gigaflops === undefined ? '' : `, ${gigaflops} GFLOP/s`}\n`,
  );
}
if (values.only.length === 0) {
  const command = `npm run bench -- engine --rounds ${rounds} --steps ${steps}`;
  writeResult('engine', { ...about(command), seed: 0, peer: `torch ${torch}`, cases, kernels });
}
