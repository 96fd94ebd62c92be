/** ResNet (He et al., 2016) as in torchvision's resnet.py, version 1.5: a bottleneck's stride is at its 3x3 convolution. */

import type { Stem } from '../../../src/domain/architectures.js';
import type { ImageShape } from '../../../src/domain/config/architecture.js';
import { type Network, NetworkBuilder, type Ref } from '../network.js';

export interface ResNetPlan {
  /** Blocks of each of the four stages. */
  readonly stages: readonly [number, number, number, number];
  readonly bottleneck: boolean;
}

export const RESNET18: ResNetPlan = { stages: [2, 2, 2, 2], bottleneck: false };
export const RESNET50: ResNetPlan = { stages: [3, 4, 6, 3], bottleneck: true };
export const RESNET101: ResNetPlan = { stages: [3, 4, 23, 3], bottleneck: true };

/** The small stem is one 3x3 convolution, the large one 7x7 of stride 2 and max pooling. */
export function resNet({ stages, bottleneck }: ResNetPlan, stem: Stem, shape: ImageShape, classes: number): Network {
  const net = new NetworkBuilder(shape, { kernels: 'FAN_OUT' });
  const convolve = (x: Ref, prefix: string, index: number | '', outputs: number, kernel: number, stride = 1): Ref =>
    net.norm(net.convolution(x, `${prefix}conv${index}`, outputs, { kernel, stride }), `${prefix}bn${index}`);
  const relu = (x: Ref): Ref => net.activation(x, 'RELU');

  let x = stem === 'SMALL' ? convolve(net.images, '', 1, 64, 3) : convolve(net.images, '', 1, 64, 7, 2);
  x = relu(x);
  if (stem === 'LARGE') x = net.maxPool(x, 3, 2, 1);
  stages.forEach((blocks, stage) => {
    const width = 64 * 2 ** stage;
    const outputs = bottleneck ? 4 * width : width;
    for (let block = 0; block < blocks; block++) {
      const prefix = `layer${stage + 1}.${block}.`;
      const stride = stage > 0 && block === 0 ? 2 : 1;
      let h: Ref;
      if (bottleneck) {
        h = relu(convolve(x, prefix, 1, width, 1));
        h = relu(convolve(h, prefix, 2, width, 3, stride));
        h = convolve(h, prefix, 3, outputs, 1);
      } else {
        h = relu(convolve(x, prefix, 1, width, 3, stride));
        h = convolve(h, prefix, 2, outputs, 3);
      }
      if (stride > 1 || net.shapeOf(x).channels !== outputs) {
        const shortcut = net.convolution(x, `${prefix}downsample.0`, outputs, { kernel: 1, stride });
        x = net.norm(shortcut, `${prefix}downsample.1`);
      }
      x = relu(net.add(h, x));
    }
  });
  net.globalMean(x);
  return net.classify('fc', classes);
}
