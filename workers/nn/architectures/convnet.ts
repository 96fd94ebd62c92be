/** ConvNet-D (Gidaris and Komodakis, 2018), with the names of one flat `features` module. */
import type { ImageShape } from '../../../src/domain/config/architecture.js';
import { type Network, NetworkBuilder } from '../network.js';

/** `depth` blocks of 3x3 convolution, batch norm, ReLU and 2x2 average pooling. */
export function convNet(width: number, depth: number, shape: ImageShape, classes: number): Network {
  const net = new NetworkBuilder(shape, { kernels: 'FAN_IN' });
  let x = net.images;
  for (let block = 0; block < depth; block++) {
    x = net.convolution(x, `features.${4 * block}`, width, { kernel: 3 });
    x = net.norm(x, `features.${4 * block + 1}`);
    x = net.activation(x, 'RELU');
    x = net.averagePool(x, 2);
  }
  return net.classify('classifier', classes);
}
