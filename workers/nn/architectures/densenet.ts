/** DenseNet-121 (Huang et al., 2017) as in torchvision's densenet.py. */

import type { Stem } from '../../../src/domain/architectures.js';
import type { ImageShape } from '../../../src/domain/config/architecture.js';
import { type Network, NetworkBuilder, type Ref } from '../network.js';

const GROWTH = 32;
/** A dense layer's 1x1 convolution has this many times the growth's channels. */
const BOTTLENECK = 4;
const BLOCKS = [6, 12, 24, 16];

/** Norm and ReLU come before each convolution. The small stem is one 3x3 convolution of stride 1, without max pooling. */
export function denseNet121(stem: Stem, shape: ImageShape, classes: number): Network {
  const net = new NetworkBuilder(shape, { kernels: 'FAN_IN', biases: 'ZERO' });
  const normRelu = (x: Ref, name: string): Ref => net.activation(net.norm(x, name), 'RELU');
  const first = stem === 'SMALL' ? { kernel: 3 } : { kernel: 7, stride: 2 };
  let x = normRelu(net.convolution(net.images, 'features.conv0', 2 * GROWTH, first), 'features.norm0');
  if (stem === 'LARGE') x = net.maxPool(x, 3, 2, 1);
  BLOCKS.forEach((layers, i) => {
    for (let layer = 1; layer <= layers; layer++) {
      const prefix = `features.denseblock${i + 1}.denselayer${layer}`;
      let h = normRelu(x, `${prefix}.norm1`);
      h = net.convolution(h, `${prefix}.conv1`, BOTTLENECK * GROWTH, { kernel: 1 });
      h = net.convolution(normRelu(h, `${prefix}.norm2`), `${prefix}.conv2`, GROWTH, { kernel: 3 });
      x = net.concat(x, h);
    }
    if (i === BLOCKS.length - 1) return;
    const prefix = `features.transition${i + 1}`;
    const half = net.shapeOf(x).channels / 2;
    x = net.averagePool(net.convolution(normRelu(x, `${prefix}.norm`), `${prefix}.conv`, half, { kernel: 1 }), 2);
  });
  net.globalMean(normRelu(x, 'features.norm5'));
  return net.classify('classifier', classes);
}
