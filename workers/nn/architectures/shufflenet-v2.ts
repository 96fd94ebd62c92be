/** ShuffleNetV2 (Ma et al., 2018) as in torchvision's shufflenetv2.py. */

import type { Stem } from '../../../src/domain/architectures.js';
import type { ImageShape } from '../../../src/domain/config/architecture.js';
import { type Network, NetworkBuilder, type Ref } from '../network.js';

export interface ShuffleNetPlan {
  /** Output channels of the three stages and of the last convolution. */
  readonly channels: readonly [number, number, number, number];
}

export const SHUFFLENET_V2_X0_5: ShuffleNetPlan = { channels: [48, 96, 192, 1024] };
export const SHUFFLENET_V2_X1_0: ShuffleNetPlan = { channels: [116, 232, 464, 1024] };

const STEM = 24;
const BLOCKS = [4, 8, 4];

/** The small stem is of stride 1, without max pooling. */
export function shuffleNetV2({ channels }: ShuffleNetPlan, stem: Stem, shape: ImageShape, classes: number): Network {
  const net = new NetworkBuilder(shape, { kernels: 'UNIFORM' });
  const convNorm = (x: Ref, prefix: string, at: number, outputs: number, kernel: number, stride = 1): Ref =>
    net.norm(net.convolution(x, `${prefix}.${at}`, outputs, { kernel, stride }), `${prefix}.${at + 1}`);
  const depthwiseNorm = (x: Ref, prefix: string, at: number, stride: number): Ref => {
    const options = { kernel: 3, stride, depthwise: true };
    return net.norm(net.convolution(x, `${prefix}.${at}`, net.shapeOf(x).channels, options), `${prefix}.${at + 1}`);
  };
  const relu = (x: Ref): Ref => net.activation(x, 'RELU');
  const branch2 = (x: Ref, prefix: string, outputs: number, stride: number): Ref => {
    const h = depthwiseNorm(relu(convNorm(x, prefix, 0, outputs, 1)), prefix, 3, stride);
    return relu(convNorm(h, prefix, 5, outputs, 1));
  };

  let x = relu(convNorm(net.images, 'conv1', 0, STEM, 3, stem === 'SMALL' ? 1 : 2));
  if (stem === 'LARGE') x = net.maxPool(x, 3, 2, 1);
  BLOCKS.forEach((blocks, i) => {
    const half = (channels[i] as number) / 2;
    for (let block = 0; block < blocks; block++) {
      const prefix = `stage${i + 2}.${block}`;
      if (block === 0) {
        const branch1 = relu(convNorm(depthwiseNorm(x, `${prefix}.branch1`, 0, 2), `${prefix}.branch1`, 2, half, 1));
        x = net.concat(branch1, branch2(x, `${prefix}.branch2`, half, 2));
      } else {
        const kept = net.slice(x, 0, half);
        x = net.concat(kept, branch2(net.slice(x, half, 2 * half), `${prefix}.branch2`, half, 1));
      }
      x = net.shuffle(x);
    }
  });
  net.globalMean(relu(convNorm(x, 'conv5', 0, channels[3], 1)));
  return net.classify('fc', classes);
}
