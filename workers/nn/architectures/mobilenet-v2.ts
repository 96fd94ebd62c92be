/** MobileNetV2 (Sandler et al., 2018) as in torchvision's mobilenetv2.py, without its dropout. */

import type { Stem } from '../../../src/domain/architectures.js';
import type { ImageShape } from '../../../src/domain/config/architecture.js';
import { type Network, NetworkBuilder, type Ref } from '../network.js';

/** Expansion, output channels, blocks, stride of the first. */
const STAGES: readonly (readonly [number, number, number, number])[] = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
];

/** The small stem is of stride 1. */
export function mobileNetV2(stem: Stem, shape: ImageShape, classes: number): Network {
  const net = new NetworkBuilder(shape, { kernels: 'FAN_OUT', classifier: 'NORMAL', biases: 'ZERO' });
  const convNormRelu = (x: Ref, name: string, outputs: number, kernel: number, stride = 1, depthwise = false): Ref => {
    const h = net.convolution(x, `${name}.0`, outputs, { kernel, stride, depthwise });
    return net.activation(net.norm(h, `${name}.1`), 'RELU6');
  };
  let x = convNormRelu(net.images, 'features.0', 32, 3, stem === 'SMALL' ? 1 : 2);
  let index = 1;
  for (const [expansion, outputs, blocks, firstStride] of STAGES) {
    for (let block = 0; block < blocks; block++) {
      const prefix = `features.${index++}.conv`;
      const inputs = net.shapeOf(x).channels;
      const hidden = inputs * expansion;
      const stride = block === 0 ? firstStride : 1;
      let layer = 0;
      let h = x;
      if (expansion !== 1) h = convNormRelu(h, `${prefix}.${layer++}`, hidden, 1);
      h = convNormRelu(h, `${prefix}.${layer++}`, hidden, 3, stride, true);
      h = net.convolution(h, `${prefix}.${layer++}`, outputs, { kernel: 1 });
      h = net.norm(h, `${prefix}.${layer}`);
      x = stride === 1 && inputs === outputs ? net.add(x, h) : h;
    }
  }
  net.globalMean(convNormRelu(x, `features.${index}`, 1280, 1));
  return net.classify('classifier.1', classes);
}
