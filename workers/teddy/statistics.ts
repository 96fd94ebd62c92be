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
import type { Tensor4D } from '../tensor/tensorflow.js';

export interface Statistics {
  /** By batch norm, in order: mean and biased variance of its input, [c] each. */
  readonly layers: readonly { readonly mean: Float64Array; readonly variance: Float64Array }[];
  /** Mean penultimate feature of every class, row-major [classes, d], features in NHWC order. */
  readonly classMeans: Float64Array;
}

/** Where a pass is: after `done` samples, with running moments, and sums of features instead of class means. */
interface Pass extends Statistics {
  readonly done: number;
}

export interface PassReports {
  breathe(): Promise<void>;
  progress(done: number, total: number): void;
  /** Called after every batch, with what `resumeFrom` takes. */
  passed?(state: () => Buffer, done: number): Promise<void>;
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

/** Batches are the same wherever an earlier pass broke off, and so are the bits. */
export async function measureStatistics(
  frozen: FrozenNetwork,
  set: LabelledImages,
  normalization: Normalization,
  { breathe, progress, passed }: PassReports,
  resumeFrom?: Uint8Array,
): Promise<Statistics> {
  const { network } = frozen;
  const { labels } = set;
  const width = featuresOf(network);
  const pass = resumeFrom ? resumedPass(network, resumeFrom) : freshPass(network);
  const { layers, classMeans } = pass;
  let { done } = pass;
  const afterBatch = async () => {
    await passed?.(() => encodeStatistics(network, pass, done), done);
    await breathe();
  };
  const visit = (images: Tensor4D, start: number) => {
    const n = images.shape[0];
    let l = 0;
    const outputs = forwardFrozen(frozen, images, (input) => {
      // Every image has the same number of positions at a layer, so images can be counted in their place.
      merge(layers[l++] as (typeof layers)[number], start, moments(input).dataSync<'float32'>(), n);
    });
    const features = outputs.features.dataSync<'float32'>();
    for (let i = 0; i < n; i++) {
      const label = labels[start + i] as number;
      for (let j = 0; j < width; j++) {
        const at = label * width + j;
        classMeans[at] = (classMeans[at] as number) + (features[i * width + j] as number);
      }
    }
    done = start + n;
    progress(done, labels.length);
  };
  await visitBatches(set, labels.length, normalization, afterBatch, visit, done);
  const perClass = new Float64Array(network.classes);
  for (const label of labels) perClass[label] = (perClass[label] as number) + 1;
  perClass.forEach((count, c) => {
    for (let j = 0; j < width; j++)
      classMeans[c * width + j] = (classMeans[c * width + j] as number) / Math.max(1, count);
  });
  return { layers, classMeans };
}

const freshPass = (network: Network): Pass => ({
  done: 0,
  layers: network.norms.map(({ channels }) => ({
    mean: new Float64Array(channels),
    variance: new Float64Array(channels),
  })),
  classMeans: new Float64Array(network.classes * featuresOf(network)),
});

const resumedPass = (network: Network, bytes: Uint8Array): Pass => ({
  done: Number(decodeSafetensors(bytes).metadata.done),
  ...decodeStatistics(network, bytes),
});

/** `done` where they are of a pass that is not at its end. */
export function encodeStatistics(
  { norms, classes }: Network,
  { layers, classMeans }: Statistics,
  done?: number,
): Buffer {
  const tensors: Record<string, StoredTensor> = {
    class_means: { dtype: 'F64', shape: [classes, classMeans.length / classes], data: classMeans },
  };
  norms.forEach(({ name }, i) => {
    const { mean, variance } = layers[i] as Statistics['layers'][number];
    tensors[`${name}.mean`] = { dtype: 'F64', shape: [mean.length], data: mean };
    tensors[`${name}.variance`] = { dtype: 'F64', shape: [variance.length], data: variance };
  });
  const about = { format: 'teddyhub-statistics', version: '1' };
  return encodeSafetensors(tensors, done === undefined ? about : { ...about, done: String(done) });
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
