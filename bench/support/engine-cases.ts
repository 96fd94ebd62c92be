/** The steps that bench/engine.ts times, as our engine computes them on made-up images. */
import { type ArchitectureConfig, architectureConfig, type ImageShape } from '../../src/domain/config/architecture.js';
import { recipeConfig } from '../../src/domain/config/evaluation.js';
import { poolConfig } from '../../src/domain/config/pool.js';
import { synthesisConfig } from '../../src/domain/config/run.js';
import { random } from '../../src/domain/random.js';
import { halvesOf } from '../../src/formats/float16.js';
import { buildNetwork } from '../../workers/nn/architectures/index.js';
import { freeze } from '../../workers/nn/frozen.js';
import { cosine, sgd } from '../../workers/nn/optimizers.js';
import { initialize } from '../../workers/nn/parameters.js';
import { adoptMoments, type LabelledImages } from '../../workers/nn/training.js';
import { drawViews } from '../../workers/nn/views.js';
import { batchLabels, targetOf } from '../../workers/teddy/matching.js';
import { poolStep } from '../../workers/teddy/pool.js';
import { measureStatistics } from '../../workers/teddy/statistics.js';
import { createStudent, studentStep } from '../../workers/teddy/students.js';
import { labelsOf, type SynthesisTask, synthesisOptimizer, synthesisStep } from '../../workers/teddy/synthesis.js';
import { type Tensor4D, tf } from '../../workers/tensor/tensorflow.js';

export interface EngineCase {
  readonly kind: 'SYNTHESIS' | 'TEACHER' | 'STUDENT';
  readonly architecture: ArchitectureConfig;
  readonly shape: ImageShape;
  readonly batch: number;
}

const CLASSES = 10;
const convNet = architectureConfig.parse({ width: 128 });
const resNet = architectureConfig.parse({ name: 'RESNET18' });
const square = (side: number, channels: number): ImageShape => ({ height: side, width: side, channels });

export const CASES: readonly EngineCase[] = [
  { kind: 'SYNTHESIS', architecture: convNet, shape: square(28, 1), batch: 100 },
  { kind: 'SYNTHESIS', architecture: resNet, shape: square(32, 3), batch: 50 },
  { kind: 'SYNTHESIS', architecture: resNet, shape: square(32, 3), batch: 100 },
  { kind: 'SYNTHESIS', architecture: resNet, shape: square(64, 3), batch: 50 },
  { kind: 'TEACHER', architecture: convNet, shape: square(28, 1), batch: 100 },
  { kind: 'TEACHER', architecture: resNet, shape: square(32, 3), batch: 50 },
  { kind: 'STUDENT', architecture: convNet, shape: square(28, 1), batch: 100 },
  { kind: 'STUDENT', architecture: resNet, shape: square(32, 3), batch: 50 },
];

export const nameOf = ({ kind, architecture, shape, batch }: EngineCase): string =>
  `${kind.toLowerCase()} ${architecture.name}${architecture.name === 'CONVNET' ? `-${architecture.depth} (${architecture.width})` : ''} ${shape.height}x${shape.width}x${shape.channels} batch ${batch}`;

function images({ shape, batch }: EngineCase): LabelledImages {
  const source = random(0, 'bench/images');
  const size = batch * shape.height * shape.width * shape.channels;
  const labels = Int32Array.from({ length: batch }, (_, i) => i % CLASSES);
  return { images: Uint8Array.from({ length: size }, () => source.integer(256)), labels, ...shape };
}

/** What computes one step of a case, numbered from 0; it returns the loss. */
export async function stepOf(one: EngineCase): Promise<(step: number) => number> {
  const { kind, architecture, shape, batch } = one;
  const network = buildNetwork(architecture, shape, CLASSES);
  const parameters = initialize(network, 0);
  const set = images(one);
  const normalization = { mean: Array(shape.channels).fill(0.5), std: Array(shape.channels).fill(0.25) };
  if (kind === 'TEACHER') {
    const config = poolConfig.parse({ batchSize: batch, learningRate: 0.01 });
    const optimizer = sgd(config);
    const model = { network, parameters };
    return (step) => {
      const rate = cosine(config.learningRate, step, 1000);
      return poolStep(model, optimizer, set, normalization, config, {
        seed: 0,
        batchSize: config.batchSize,
        step,
        rate,
      });
    };
  }
  if (kind === 'STUDENT') {
    const recipe = recipeConfig.parse({ batchSize: batch, steps: 1000, learningRate: 0.001 });
    const student = createStudent(network, recipe, 0);
    const place = { seed: 0, samples: batch, batchSize: batch };
    const source = random(0, 'bench/logits');
    const logits = halvesOf(Float32Array.from({ length: batch * CLASSES }, () => source.normal()));
    const labels = { cropScaleMin: 0.3, flip: true, mix: 'CUTMIX' } as const;
    return (step) => {
      const views = { ...drawViews(labels, shape, { ...place, step }), logits };
      return studentStep(student, set, { kind: 'SOFT', views }, normalization, recipe, step);
    };
  }
  const x = tf.tidy(() => tf.randomNormal([batch, shape.height, shape.width, shape.channels], 0, 1, 'float32', 1));
  adoptMoments(network, parameters, x as Tensor4D);
  x.dispose();
  const frozen = freeze(network, parameters);
  const quiet = { breathe: async () => undefined, progress: () => undefined };
  const pool = [targetOf(frozen, await measureStatistics(frozen, set, normalization, quiet))];
  const imagesPerClass = batch / CLASSES;
  const config = synthesisConfig.parse({ imagesPerClass, steps: 1000 });
  const classes = Array.from({ length: CLASSES }, (_, c) => c);
  const task: SynthesisTask = { config, shape, classes, seed: 0, taskIndex: 0, firstImage: 0, imagesPerClass };
  const pixels = tf.randomUniform([batch, shape.height, shape.width, shape.channels], 0, 1, 'float32', 2);
  const state = { images: { images: pixels }, memory: {}, optimizer: synthesisOptimizer() };
  const labels = batchLabels(labelsOf(task), CLASSES);
  return (step) => synthesisStep(task, state, pool, labels, normalization, step).total;
}
