/** EfficientNet-B0 (Tan and Le, 2019) as in torchvision's efficientnet.py, without dropout and stochastic depth. */

import type { Stem } from '../../../src/domain/architectures.js';
import type { ImageShape } from '../../../src/domain/config/architecture.js';
import { type Network, NetworkBuilder, type Ref } from '../network.js';

/** Expansion, kernel, stride of the first block, output channels, blocks. */
const STAGES: readonly (readonly [number, number, number, number, number])[] = [
  [1, 3, 1, 16, 1],
  [6, 3, 2, 24, 2],
  [6, 5, 2, 40, 2],
  [6, 3, 2, 80, 3],
  [6, 5, 1, 112, 3],
  [6, 5, 2, 192, 4],
  [6, 3, 1, 320, 1],
];

/** The small stem is of stride 1. */
export function efficientNetB0(stem: Stem, shape: ImageShape, classes: number): Network {
  const net = new NetworkBuilder(shape, { kernels: 'FAN_OUT', classifier: 'BY_CLASSES', biases: 'ZERO' });
  const convNormSilu = (x: Ref, name: string, outputs: number, kernel: number, stride = 1, depthwise = false): Ref => {
    const h = net.convolution(x, `${name}.0`, outputs, { kernel, stride, depthwise });
    return net.activation(net.norm(h, `${name}.1`), 'SILU');
  };
  /** Scales channels by what two 1x1 convolutions make of their means. */
  const squeezeExcite = (x: Ref, name: string, squeezed: number): Ref => {
    const { channels } = net.shapeOf(x);
    let h = net.convolution(net.globalMean(x), `${name}.fc1`, squeezed, { kernel: 1, bias: true });
    h = net.convolution(net.activation(h, 'SILU'), `${name}.fc2`, channels, { kernel: 1, bias: true });
    return net.scale(x, net.activation(h, 'SIGMOID'));
  };

  let x = convNormSilu(net.images, 'features.0', 32, 3, stem === 'SMALL' ? 1 : 2);
  STAGES.forEach(([expansion, kernel, firstStride, outputs, blocks], i) => {
    for (let index = 0; index < blocks; index++) {
      const prefix = `features.${i + 1}.${index}.block`;
      const inputs = net.shapeOf(x).channels;
      const hidden = inputs * expansion;
      const stride = index === 0 ? firstStride : 1;
      let layer = 0;
      let h = x;
      if (expansion !== 1) h = convNormSilu(h, `${prefix}.${layer++}`, hidden, 1);
      h = convNormSilu(h, `${prefix}.${layer++}`, hidden, kernel, stride, true);
      h = squeezeExcite(h, `${prefix}.${layer++}`, Math.max(1, Math.floor(inputs / 4)));
      h = net.norm(net.convolution(h, `${prefix}.${layer}.0`, outputs, { kernel: 1 }), `${prefix}.${layer}.1`);
      x = stride === 1 && inputs === outputs ? net.add(h, x) : h;
    }
  });
  net.globalMean(convNormSilu(x, `features.${STAGES.length + 1}`, 1280, 1));
  return net.classify('classifier.1', classes);
}
