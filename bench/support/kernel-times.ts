/** Medians of single kernels at the shapes of ResNet-18 (32 x 32, batch 50) and ConvNet-3 (28 x 28, batch 100). */
import {
  averagePool,
  convolution,
  frozenOffset,
  momentDistance,
  moments,
  momentTarget,
  trainingNorm,
} from '../../workers/tensor/kernels/index.js';
import { type Tensor, type Tensor1D, type Tensor2D, type Tensor4D, tf } from '../../workers/tensor/tensorflow.js';
import { quantile, rounded } from './report.js';

export interface KernelTime {
  readonly name: string;
  readonly milliseconds: number;
  readonly gigaflops?: number;
}

const REPEATS = 15;

function time(name: string, run: () => Tensor | Tensor[], flops?: number): KernelTime {
  const times = Array.from({ length: REPEATS }, () => {
    const start = performance.now();
    tf.dispose(run());
    return performance.now() - start;
  });
  const median = quantile(times.slice(3), 0.5);
  return {
    name,
    milliseconds: rounded(median),
    ...(flops !== undefined && { gigaflops: Math.round(flops / median / 1e6) }),
  };
}

function convolutionTimes([batch, side, inputs, outputs]: readonly [number, number, number, number]): KernelTime[] {
  const sliding = { kernel: 3, stride: 1, padding: 1, depthwise: false };
  const [x, dy] = [inputs, outputs].map((channels) => tf.randomNormal([batch, side, side, channels])) as [
    Tensor4D,
    Tensor4D,
  ];
  const kernel = tf.randomNormal([3, 3, inputs, outputs]) as Tensor4D;
  const flops = 2 * 9 * batch * side * side * inputs * outputs;
  const name = `convolution ${batch} x ${side} x ${side}, ${inputs} to ${outputs}`;
  const gradient = (images: boolean) => {
    const differentiated = { images, kernel: !images };
    const of = (t: Tensor) =>
      images
        ? convolution(t as Tensor4D, kernel, sliding, differentiated)
        : convolution(x, t as Tensor4D, sliding, differentiated);
    return tf.grad(of);
  };
  // A gradient computes its forward pass as well.
  const frozen = { images: true, kernel: false };
  const rows = [
    time(name, () => convolution(x, kernel, sliding, frozen), flops),
    time(`${name}, with the gradient of its input`, () => gradient(true)(x, dy), 2 * flops),
    time(`${name}, with the gradient of its kernel`, () => gradient(false)(kernel, dy), 2 * flops),
  ];
  tf.dispose([x, dy, kernel]);
  return rows;
}

export function timeKernels(): KernelTime[] {
  const shapes = [
    [100, 28, 1, 128],
    [100, 28, 128, 128],
    [50, 32, 3, 64],
    [50, 32, 64, 64],
    [50, 16, 128, 128],
    [50, 8, 256, 256],
    [50, 4, 512, 512],
  ] as const;
  const square = tf.randomNormal([2048, 2048]) as Tensor2D;
  const x = tf.randomNormal([50, 32, 32, 64]) as Tensor4D;
  const [ones, zeros] = [tf.ones([64]) as Tensor1D, tf.zeros([64]) as Tensor1D];
  const moment = new Float64Array(64).fill(1);
  const target = momentTarget([{ mean: moment, variance: moment }], []);
  const distanceOf = (input: Tensor4D) => {
    const distance = momentDistance();
    distance.see(input);
    return distance.to(target, [1]);
  };
  const rows = [
    // What these cores can do: the densest arithmetic there is.
    time('matrix product of 2,048 x 2,048', () => square.matMul(square), 2 * 2048 ** 3),
    ...shapes.flatMap(convolutionTimes),
    time('moments 50 x 32 x 32 x 64', () => moments({ x, unscale: undefined })),
    time('distance of moments, with its gradient', () => tf.grad((t) => distanceOf(t as Tensor4D))(x)),
    time('offset and ReLU 50 x 32 x 32 x 64', () => frozenOffset(x, zeros, true)),
    ...[false, true].map((rectified) =>
      time(`batch norm in training${rectified ? ' and ReLU' : ''} 50 x 32 x 32 x 64`, () =>
        trainingNorm(x, ones, zeros, { mean: zeros, variance: ones, share: 0.1 }, rectified, (batch) =>
          tf.dispose([batch.mean, batch.variance]),
        ),
      ),
    ),
    time('average pooling, with its gradient', () =>
      tf.grad((t) => averagePool(t as Tensor4D, 2))(x, tf.ones([50, 16, 16, 64])),
    ),
  ];
  tf.dispose([square, x, ones, zeros, target.wanted, target.unscale, target.norms]);
  return rows;
}
