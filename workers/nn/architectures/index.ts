/** The networks that configurations name. */

import { assertArchitectureFits, type Fixed, type Stem, stemOf } from '../../../src/domain/architectures.js';
import type { ArchitectureConfig, ImageShape } from '../../../src/domain/config/architecture.js';
import type { Network } from '../network.js';
import { convNet } from './convnet.js';
import { denseNet121 } from './densenet.js';
import { efficientNetB0 } from './efficientnet.js';
import { mobileNetV2 } from './mobilenet-v2.js';
import { RESNET18, RESNET50, RESNET101, resNet } from './resnet.js';
import { SHUFFLENET_V2_X0_5, SHUFFLENET_V2_X1_0, shuffleNetV2 } from './shufflenet-v2.js';

/** Throws UNSUPPORTED_SHAPE where the images are too small. */
export function buildNetwork(config: ArchitectureConfig, shape: ImageShape, classes: number): Network {
  assertArchitectureFits(config, shape);
  if (config.name === 'CONVNET') return convNet(config.width, config.depth, shape, classes);
  const stem = stemOf(config, shape);
  const network = fixedNetwork(config.name, stem, shape, classes);
  return stem === stemOf({ name: config.name }, shape) ? network : { ...network, stem };
}

function fixedNetwork(name: Fixed, stem: Stem, shape: ImageShape, classes: number): Network {
  switch (name) {
    case 'RESNET18':
      return resNet(RESNET18, stem, shape, classes);
    case 'RESNET50':
      return resNet(RESNET50, stem, shape, classes);
    case 'RESNET101':
      return resNet(RESNET101, stem, shape, classes);
    case 'DENSENET121':
      return denseNet121(stem, shape, classes);
    case 'MOBILENET_V2':
      return mobileNetV2(stem, shape, classes);
    case 'SHUFFLENET_V2_X0_5':
      return shuffleNetV2(SHUFFLENET_V2_X0_5, stem, shape, classes);
    case 'SHUFFLENET_V2_X1_0':
      return shuffleNetV2(SHUFFLENET_V2_X1_0, stem, shape, classes);
    case 'EFFICIENTNET_B0':
      return efficientNetB0(stem, shape, classes);
  }
}
