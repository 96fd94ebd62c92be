/**
 * Accuracy of teddy beside its baselines, all with the same labels, recipe and student steps, paired by seed: random real
 * images, low-loss crops of real images, and SRe2L as a configuration (one fully trained teacher, noise, cross-entropy and
 * moments). Writes bench/results/quality-<suite>.json: every accuracy, and the mean difference to random real images with its
 * standard error. Minutes to hours: a row trains four students a pair.
 *
 *     npm run bench -- quality --suite fashion-mnist [--ipc 1,10,50] [--width 128] [--steps 1000] [--pairs 5] [--work <folder>]
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { labelConfig, poolConfig, recipeConfig, synthesisConfig } from '../src/domain/config.js';
import { labelTeachersOf, type Outcome, openPipeline } from './support/pipeline.js';
import { about, mean, rounded, standardError, writeResult } from './support/report.js';

const { values } = parseArgs({
  options: {
    suite: { type: 'string', default: 'fashion-mnist' },
    ipc: { type: 'string', default: '1,10,50' },
    width: { type: 'string', default: '128' },
    steps: { type: 'string', default: '1000' },
    pairs: { type: 'string', default: '5' },
    work: { type: 'string', default: join(tmpdir(), 'teddyhub-quality') },
  },
});
if (values.suite !== 'fashion-mnist') {
  console.error(
    `quality: there is no suite ${values.suite}; fashion-mnist is the only one whose images can be imported.`,
  );
  process.exit(1);
}
const pipeline = await openPipeline(values.work);
const dataset = await pipeline.dataset({ kind: 'NPM_FASHION_MNIST' });
const architecture = { name: 'CONVNET' as const, width: Number(values.width), depth: 3 };
const steps = Number(values.steps);
const seeds = Array.from({ length: Number(values.pairs) }, (_, seed) => seed);
const { teachers, seconds } = await pipeline.pool(dataset, poolConfig.parse({ architecture }));
const labels = labelConfig.parse({ fkdSteps: steps });
const recipe = recipeConfig.parse({ architecture, steps });
const labelTeachers = labelTeachersOf(teachers, labels);
const best = teachers.filter(({ index }) => index === labelTeachers[0]?.index);

const rows = [];
for (const imagesPerClass of values.ipc.split(',').map(Number)) {
  const protocol = {
    dataset,
    labelTeachers,
    labels,
    recipe,
    labelKinds: ['SOFT' as const],
    imagesPerClass,
  };
  const teddy = synthesisConfig.parse({ imagesPerClass, imagesPerClassPerTask: imagesPerClass });
  // SRe2L's coefficients for CIFAR (Yin, Xing and Shen, 2023) on our step: moments .01, first layer 10, rate .25, 1,000 steps.
  const sre2l = synthesisConfig.parse({
    ...teddy,
    init: 'NOISE',
    steps: 1000,
    learningRate: 0.25,
    momentsWeight: 0.01,
    firstLayerWeight: 10,
    classMeanWeight: 0,
    cropScaleMin: 1,
  });
  const methods: Record<string, (seed: number) => Promise<Outcome>> = {
    RANDOM_REAL: (seed) => pipeline.baseline(protocol, 'RANDOM_REAL', seed),
    TEDDY: (seed) => pipeline.distilled(protocol, teachers, teddy, seed),
    REAL_CROPS: (seed) => pipeline.baseline(protocol, 'REAL_CROPS', seed),
    SRE2L: (seed) => pipeline.distilled(protocol, best, sre2l, seed),
  };
  let random: number[] = [];
  for (const [method, run] of Object.entries(methods)) {
    const outcomes: Outcome[] = [];
    for (const seed of seeds) outcomes.push(await run(seed));
    const top1 = outcomes.map(({ soft }) => soft);
    if (method === 'RANDOM_REAL') random = top1;
    const gains = top1.map((accuracy, i) => accuracy - (random[i] ?? Number.NaN));
    const row = {
      imagesPerClass,
      method,
      top1: top1.map(rounded),
      mean: rounded(mean(top1)),
      gain: rounded(mean(gains)),
      standardError: rounded(standardError(gains)),
      secondsOfMaking: rounded(mean(outcomes.map((outcome) => outcome.seconds.making))),
      secondsOfStudent: rounded(mean(outcomes.map((outcome) => outcome.seconds.student))),
    };
    rows.push(row);
    process.stdout.write(
      `IPC ${imagesPerClass} ${method.padEnd(12)} ${row.mean}  ${row.gain} +- ${row.standardError}\n`,
    );
    const { suite, work: _, ...options } = values;
    const command = [
      'npm run bench -- quality --suite',
      suite,
      ...Object.entries(options).map(([k, v]) => `--${k} ${v}`),
    ];
    writeResult(`quality-${suite}`, {
      ...about(command.join(' ')),
      seeds,
      architecture,
      studentSteps: steps,
      teachers: teachers.map(({ kind, epoch, accuracy }) => ({ kind, epoch, accuracy: rounded(accuracy) })),
      seconds,
      rows,
    });
  }
}
