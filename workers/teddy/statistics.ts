/**
 * What a teacher sees of the real data: exact first and second moments at every batch norm's input, and the mean
 * penultimate feature of every class, from one pass in evaluation mode. Batches are reduced in float32 and merged in
 * float64 by the pairwise update of Chan, Golub and LeVeque (1979), which is exact up to rounding.
 */
import {
  decodeSafetensors,
  encodeSafetensors,
  type StoredTensor,
  tensorOfFile,
} from '../../src/formats/safetensors.js';
import { type FrozenNetwork, forwardFrozen } from '../nn/frozen.js';
import { featuresOf, type Network } from '../nn/network.js';
import { type LabelledImages, type Normalization, visitBatches } from '../nn/training.js';
import { moments } from '../tensor/kernels/index.js';

export interface Statistics {
  /** By batch norm, in order: mean and biased variance of its input, [c] each. */
  readonly layers: readonly { readonly mean: Float64Array; readonly variance: Float64Array }[];
  /** Mean penultimate feature of every class, row-major [classes, d], features in NHWC order. */
  readonly classMeans: Float64Array;
}

/** Merges the moments of `n` new samples into running ones of `count`. */
function merge(
  layer: { mean: Float64Array; variance: Float64Array },
  count: number,
  batch: ArrayLike<number>,
  n: number,
): void {
  const { mean, variance } = layer;
  const total = count + n;
  for (let c = 0; c < mean.length; c++) {
    const delta = (batch[c] as number) - (mean[c] as number);
    const [old, fresh] = [variance[c] as number, batch[mean.length + c] as number];
    mean[c] = (mean[c] as number) + (delta * n) / total;
    variance[c] = (old * count + fresh * n) / total + delta * delta * (count / total) * (n / total);
  }
}

export async function measureStatistics(
  frozen: FrozenNetwork,
  set: LabelledImages,
  normalization: Normalization,
  { breathe, progress }: { breathe: () => Promise<void>; progress: (done: number, total: number) => void },
): Promise<Statistics> {
  const { network } = frozen;
  const { labels } = set;
  const width = featuresOf(network);
  const layers = network.norms.map(({ channels }) => ({
    mean: new Float64Array(channels),
    variance: new Float64Array(channels),
  }));
  const classMeans = new Float64Array(network.classes * width);
  const perClass = new Float64Array(network.classes);
  await visitBatches(set, labels.length, normalization, breathe, (images, start) => {
    const n = images.shape[0];
    let l = 0;
    const outputs = forwardFrozen(frozen, images, (input) => {
      // Every image has the same number of positions at a layer, so images can be counted in their place.
      merge(layers[l++] as (typeof layers)[number], start, moments(input).dataSync<'float32'>(), n);
    });
    const features = outputs.features.dataSync<'float32'>();
    for (let i = 0; i < n; i++) {
      const label = labels[start + i] as number;
      perClass[label] = (perClass[label] as number) + 1;
      for (let j = 0; j < width; j++) {
        const at = label * width + j;
        classMeans[at] = (classMeans[at] as number) + (features[i * width + j] as number);
      }
    }
    progress(start + n, labels.length);
  });
  perClass.forEach((count, c) => {
    for (let j = 0; j < width; j++)
      classMeans[c * width + j] = (classMeans[c * width + j] as number) / Math.max(1, count);
  });
  return { layers, classMeans };
}

export function encodeStatistics({ norms, classes }: Network, { layers, classMeans }: Statistics): Buffer {
  const tensors: Record<string, StoredTensor> = {
    class_means: { dtype: 'F64', shape: [classes, classMeans.length / classes], data: classMeans },
  };
  norms.forEach(({ name }, i) => {
    const { mean, variance } = layers[i] as Statistics['layers'][number];
    tensors[`${name}.mean`] = { dtype: 'F64', shape: [mean.length], data: mean };
    tensors[`${name}.variance`] = { dtype: 'F64', shape: [variance.length], data: variance };
  });
  return encodeSafetensors(tensors, { format: 'teddyhub-statistics', version: '1' });
}

/** Throws OBJECT_CORRUPT where the file is not of this network. */
export function decodeStatistics(network: Network, bytes: Uint8Array): Statistics {
  const file = decodeSafetensors(bytes);
  const read = (name: string, shape: number[]) => tensorOfFile(file, name, 'F64', shape).data;
  return {
    layers: network.norms.map(({ name, channels }) => ({
      mean: read(`${name}.mean`, [channels]),
      variance: read(`${name}.variance`, [channels]),
    })),
    classMeans: read('class_means', [network.classes, featuresOf(network)]),
  };
}
