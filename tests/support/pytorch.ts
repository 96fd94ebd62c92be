/** The goldens of tests/pytorch, and the networks that they are of: tests/pytorch/deterministic.py in TypeScript. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Stem } from '../../src/domain/architectures.js';
import { architectureConfig, type ImageShape } from '../../src/domain/config/architecture.js';
import { synthesisConfig } from '../../src/domain/config/run.js';
import { encodeSafetensors, type StoredTensor } from '../../src/formats/safetensors.js';
import { buildNetwork } from '../../workers/nn/architectures/index.js';
import { decodeParameters, torchShape } from '../../workers/nn/checkpoint.js';
import { type FrozenNetwork, forwardFrozen, freeze } from '../../workers/nn/frozen.js';
import { featuresOf, type Network, type ParameterSpec } from '../../workers/nn/network.js';
import { type Parameters, parameterOf } from '../../workers/nn/parameters.js';
import { batchLabels, matchingLoss, type Target, targetOf } from '../../workers/teddy/matching.js';
import { type Tensor1D, type Tensor4D, tf, valuesOf } from '../../workers/tensor/tensorflow.js';

export interface GoldenCase extends ImageShape {
  readonly architecture: string;
  readonly classes: number;
  readonly batch: number;
  /** Width and depth of a ConvNet. */
  readonly filters?: number;
  readonly depth?: number;
  readonly stem?: Stem;
  /** Of the images, where they are not those of `input`. */
  readonly input?: string;
}

export interface MatchingGolden {
  readonly case: GoldenCase;
  readonly logits: number[][];
  readonly loss: { readonly total: number };
  /** Every `stride`-th value in NCHW order, and the norm of all. */
  readonly gradient: { readonly norm: number; readonly stride: number; readonly values: number[] };
}

interface Sampled {
  readonly sum: number;
  readonly norm: number;
  readonly stride: number;
  readonly values: number[];
}

export interface TrainingGolden {
  readonly case: GoldenCase;
  readonly optimizer: { name: 'SGD' | 'ADAMW'; rate: number; momentum: number; weightDecay: number };
  readonly losses: number[];
  /** By parameter, in torch's layout, after the steps. */
  readonly state: Record<string, Sampled>;
}

export const FIXTURES = fileURLToPath(new URL('../../../tests/fixtures/pytorch/', import.meta.url));

export const readGolden = <T>(name: string): T => JSON.parse(readFileSync(`${FIXTURES}${name}`, 'utf8')) as T;

export function networkOf(one: GoldenCase): Network {
  const { architecture, filters, depth, stem, classes, height, width, channels } = one;
  return buildNetwork(
    architectureConfig.parse({ name: architecture, width: filters, depth, stem }),
    { height, width, channels },
    classes,
  );
}

/** u in [0, 1) of every element: the finalizer of MurmurHash3 over the name's FNV-1a and a counter. */
function uniform(name: string, length: number): (i: number) => number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  if (length > 2 ** 32) throw new RangeError('the counter has 32 bits');
  return (i) => {
    let x = (hash + Math.imul(i, 0x9e3779b1)) | 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
  };
}

function drawOf(network: Network, spec: ParameterSpec): (u: number) => number {
  switch (spec.kind) {
    case 'RUNNING_MEAN':
      return (u) => (u - 0.5) * 0.5;
    case 'RUNNING_VAR':
      return (u) => 0.5 + 1.5 * u;
    case 'NORM_WEIGHT':
      return (u) => 0.5 + 0.7 * u;
    case 'NORM_BIAS':
      return (u) => u - 0.5;
    case 'BIAS':
      return (u) => 3 * u;
    default: {
      const [, ...inputs] = torchShape(network, spec);
      const fan = inputs.reduce((a, b) => a * b, 1);
      return (u) => (2 * u - 1) * Math.sqrt(3) * Math.sqrt(2 / fan);
    }
  }
}

/** The parameters that deterministic.py fills a torch module with, by way of a checkpoint file. */
export function deterministicParameters(network: Network): Parameters {
  const tensors = network.parameters.map((spec): [string, StoredTensor] => {
    const shape = torchShape(network, spec);
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    const [u, value] = [uniform(spec.name, data.length), drawOf(network, spec)];
    for (let i = 0; i < data.length; i++) data[i] = value(u(i));
    return [spec.name, { dtype: 'F32', shape, data }];
  });
  return decodeParameters(network, encodeSafetensors(Object.fromEntries(tensors)));
}

/** NHWC of the values that deterministic.py gives NCHW images. */
export function deterministicImages({ batch, channels, height, width, input = 'input' }: GoldenCase): Tensor4D {
  const length = batch * channels * height * width;
  const u = uniform(input, length);
  const values = Float32Array.from({ length }, (_, i) => (u(i) - 0.5) * 4);
  return tf.tidy(() => tf.tensor4d(values, [batch, channels, height, width]).transpose([0, 2, 3, 1]));
}

export const labelsOf = ({ batch, classes }: GoldenCase): Int32Array =>
  Int32Array.from({ length: batch }, (_, i) => i % classes);

/** The target of the goldens: the network's own running moments, and class means of 0. */
function runningTarget(frozen: FrozenNetwork): Target {
  const { network, parameters } = frozen;
  const running = (name: string, part: string) =>
    Float64Array.from(parameterOf<Tensor1D>(parameters, `${name}.running_${part}`).dataSync<'float32'>());
  const layers = network.norms.map(({ name }) => ({ mean: running(name, 'mean'), variance: running(name, 'var') }));
  return targetOf(frozen, { layers, classMeans: new Float64Array(network.classes * featuresOf(network)) });
}

/** Those that make_goldens.py has. */
const WEIGHTS = synthesisConfig.parse({
  crossEntropyWeight: 1,
  momentsWeight: 0.1,
  firstLayerWeight: 2,
  classMeanWeight: 1,
});

/** Logits, the matching loss and its gradient in NCHW order, flat. */
export function runMatching(one: GoldenCase, network: Network, parameters: Parameters, images: Tensor4D) {
  const frozen = freeze(network, parameters);
  const target = runningTarget(frozen);
  const logits = valuesOf(() => forwardFrozen(frozen, images).logits);
  const labels = batchLabels(labelsOf(one), one.classes);
  const { value, grads } = tf.engine().gradients(() => matchingLoss(target, images, labels, WEIGHTS).total, [images]);
  const gradient = (grads[0] as Tensor4D).transpose([0, 3, 1, 2]).dataSync<'float32'>();
  return { logits, loss: value.dataSync<'float32'>()[0] ?? Number.NaN, gradient };
}

/** || a - b ||_2 / || b ||_2 */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [difference, size] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += ((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN)) ** 2;
    size += (b[i] ?? Number.NaN) ** 2;
  }
  return Math.sqrt(difference / size);
}
