/**
 * The ConvNet, its statistics and the matching loss in plain float64 loops, written from docs/teddy.md alone, to hold the
 * engine against. Images and activations are NHWC; kernels [3, 3, in, out]; everything row-major.
 */
export interface ReferenceBlock {
  kernel: Float64Array;
  gamma: Float64Array;
  beta: Float64Array;
  mean: Float64Array;
  variance: Float64Array;
}

export interface ReferenceNetwork {
  blocks: ReferenceBlock[];
  /** [features, classes] */
  weight: Float64Array;
  bias: Float64Array;
}

export interface Activation {
  data: Float64Array;
  n: number;
  height: number;
  width: number;
  channels: number;
}

/** Convolution 3x3, stride 1, one pixel of zeros around. */
function convolve(x: Activation, kernel: Float64Array): Activation {
  const outputs = kernel.length / (9 * x.channels);
  const data = new Float64Array(x.n * x.height * x.width * outputs);
  for (let i = 0; i < x.n; i++)
    for (let row = 0; row < x.height; row++)
      for (let column = 0; column < x.width; column++)
        for (let o = 0; o < outputs; o++) {
          let sum = 0;
          for (let dy = 0; dy < 3; dy++)
            for (let dx = 0; dx < 3; dx++) {
              const [sy, sx] = [row + dy - 1, column + dx - 1];
              if (sy < 0 || sy >= x.height || sx < 0 || sx >= x.width) continue;
              for (let c = 0; c < x.channels; c++) {
                const pixel = x.data[((i * x.height + sy) * x.width + sx) * x.channels + c] ?? 0;
                sum += pixel * (kernel[((dy * 3 + dx) * x.channels + c) * outputs + o] ?? 0);
              }
            }
          data[((i * x.height + row) * x.width + column) * outputs + o] = sum;
        }
  return { ...x, data, channels: outputs };
}

/** relu(gamma (x - mean) / sqrt(variance + 1e-5) + beta) */
function normRelu(x: Activation, { gamma, beta, mean, variance }: ReferenceBlock): Activation {
  const data = x.data.map((value, i) => {
    const c = i % x.channels;
    const scaled = (value - (mean[c] ?? 0)) / Math.sqrt((variance[c] ?? 0) + 1e-5);
    return Math.max(0, (gamma[c] ?? 0) * scaled + (beta[c] ?? 0));
  });
  return { ...x, data };
}

/** Means of 2x2 squares; an odd last row or column is dropped. */
function pool(x: Activation): Activation {
  const [height, width] = [Math.floor(x.height / 2), Math.floor(x.width / 2)];
  const data = new Float64Array(x.n * height * width * x.channels);
  for (let at = 0; at < data.length; at++) {
    const c = at % x.channels;
    const column = Math.floor(at / x.channels) % width;
    const row = Math.floor(at / x.channels / width) % height;
    const i = Math.floor(at / x.channels / width / height);
    let sum = 0;
    for (const [dy, dx] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ] as const) {
      sum += x.data[((i * x.height + 2 * row + dy) * x.width + 2 * column + dx) * x.channels + c] ?? 0;
    }
    data[at] = sum / 4;
  }
  return { ...x, data, height, width };
}

export interface LayerMoments {
  mean: Float64Array;
  variance: Float64Array;
}

/** Mean and biased variance per channel, in two passes. */
function twoPassMoments({ data, channels }: Activation): LayerMoments {
  const count = data.length / channels;
  const mean = new Float64Array(channels);
  const variance = new Float64Array(channels);
  for (const [i, value] of data.entries()) mean[i % channels] = (mean[i % channels] ?? 0) + value / count;
  for (const [i, value] of data.entries()) {
    variance[i % channels] = (variance[i % channels] ?? 0) + (value - (mean[i % channels] ?? 0)) ** 2 / count;
  }
  return { mean, variance };
}

export interface ReferenceOutputs {
  /** [n, classes] */
  logits: Float64Array;
  /** [n, d] */
  features: Float64Array;
  /** At the input of every batch norm. */
  moments: LayerMoments[];
}

export function referenceForward({ blocks, weight, bias }: ReferenceNetwork, x: Activation): ReferenceOutputs {
  const moments: LayerMoments[] = [];
  let h = x;
  for (const block of blocks) {
    const z = convolve(h, block.kernel);
    moments.push(twoPassMoments(z));
    h = pool(normRelu(z, block));
  }
  const classes = bias.length;
  const d = h.data.length / h.n;
  const logits = Float64Array.from({ length: h.n * classes }, (_, at) => {
    const [i, c] = [Math.floor(at / classes), at % classes];
    let sum = bias[c] ?? 0;
    for (let j = 0; j < d; j++) sum += (h.data[i * d + j] ?? 0) * (weight[j * classes + c] ?? 0);
    return sum;
  });
  return { logits, features: h.data, moments };
}

/** Mean of the rows of every class, [classes, d]; 0 where a class has none. */
export function referenceClassMeans(features: Float64Array, labels: ArrayLike<number>, classes: number): Float64Array {
  const d = features.length / labels.length;
  const counts = Array.from({ length: classes }, (_, c) => Array.from(labels).filter((label) => label === c).length);
  const means = new Float64Array(classes * d);
  for (const [i, value] of features.entries()) {
    const label = labels[Math.floor(i / d)] ?? 0;
    const at = label * d + (i % d);
    means[at] = (means[at] ?? 0) + value / (counts[label] ?? 1);
  }
  return means;
}

export interface ReferenceTarget {
  layers: readonly LayerMoments[];
  classMeans: Float64Array;
}

export interface ReferenceWeights {
  crossEntropyWeight: number;
  momentsWeight: number;
  firstLayerWeight: number;
  classMeanWeight: number;
}

/** Moments of an earlier step, and their share in those that are matched. */
export interface ReferenceMemory {
  share: number;
  layers: readonly LayerMoments[];
}

/** The whole loss of docs/teddy.md for one teacher. */
export function referenceLoss(
  network: ReferenceNetwork,
  target: ReferenceTarget,
  x: Activation,
  labels: ArrayLike<number>,
  weights: ReferenceWeights,
  memory?: ReferenceMemory,
): number {
  const { logits, features, moments } = referenceForward(network, x);
  const classes = network.bias.length;
  let crossEntropy = 0;
  for (let i = 0; i < x.n; i++) {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    const logSum = Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0));
    crossEntropy += (logSum - (row[labels[i] ?? 0] ?? 0)) / x.n;
  }
  const distance = (a: Float64Array, b: Float64Array) =>
    a.reduce((sum, value, i) => sum + (value - (b[i] ?? 0)) ** 2, 0);
  const statistics = moments.reduce((sum, { mean, variance }, l) => {
    const real = target.layers[l] as LayerMoments;
    const share = memory?.share ?? 0;
    const mixed = (own: Float64Array, part: keyof LayerMoments) =>
      own.map((value, c) => share * (memory?.layers[l]?.[part][c] ?? 0) + (1 - share) * value);
    const toMean = Math.sqrt(distance(mixed(mean, 'mean'), real.mean));
    const toVariance = Math.sqrt(distance(mixed(variance, 'variance'), real.variance));
    const length = (toMean + toVariance) / (1 - share);
    return sum + length * (l === 0 ? weights.firstLayerWeight : 1);
  }, 0);
  const means = referenceClassMeans(features, labels, classes);
  const d = features.length / x.n;
  const present = [...new Set(Array.from(labels))];
  const classDistance = present
    .map(
      (c) => [means, target.classMeans].map((all) => all.subarray(c * d, (c + 1) * d)) as [Float64Array, Float64Array],
    )
    .reduce((sum, [own, real]) => sum + distance(own, real), 0);
  return (
    weights.crossEntropyWeight * crossEntropy +
    weights.momentsWeight * statistics +
    (weights.classMeanWeight * classDistance) / present.length
  );
}
