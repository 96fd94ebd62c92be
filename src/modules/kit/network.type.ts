/** The parts of configurations that pools, runs and evaluations share. */
import { registerEnumType } from 'type-graphql';
import { architectureConfig, FIXED_ARCHITECTURES, STEMS } from '../../domain/config/architecture.js';
import { augmentationConfig } from '../../domain/config/pool.js';
import { configTypes } from './config-types.js';

export const ArchitectureName = {
  CONVNET: 'CONVNET',
  ...(Object.fromEntries(FIXED_ARCHITECTURES.map((name) => [name, name])) as {
    [K in (typeof FIXED_ARCHITECTURES)[number]]: K;
  }),
} as const;

registerEnumType(ArchitectureName, {
  name: 'ArchitectureName',
  description: 'A family of networks.',
  valuesConfig: {
    CONVNET: {
      description: 'Blocks of 3x3 convolution, batch norm, ReLU and 2x2 average pooling, then one linear layer.',
    },
    RESNET18: { description: 'ResNet-18, with the parameter names of torchvision as all that follow.' },
    RESNET50: { description: 'ResNet-50.' },
    RESNET101: { description: 'ResNet-101.' },
    DENSENET121: { description: 'DenseNet-121.' },
    MOBILENET_V2: { description: 'MobileNetV2, width 1.' },
    SHUFFLENET_V2_X0_5: { description: 'ShuffleNetV2, width 0.5.' },
    SHUFFLENET_V2_X1_0: { description: 'ShuffleNetV2, width 1.' },
    EFFICIENTNET_B0: { description: 'EfficientNet-B0.' },
  },
});

export const Stem = Object.fromEntries(STEMS.map((name) => [name, name])) as { [K in (typeof STEMS)[number]]: K };

registerEnumType(Stem, {
  name: 'Stem',
  description: 'The first layers of a network of a fixed size.',
  valuesConfig: {
    SMALL: { description: 'A 3x3 convolution of stride 1 and no pooling, as is the custom for CIFAR.' },
    LARGE: {
      description: "torchvision's, made for ImageNet: of stride 2, and max pooling after it where the network has it.",
    },
  },
});

export const Architecture = configTypes('Architecture', 'The network of a teacher or a student.', architectureConfig, {
  name: { about: 'Its family.', type: ArchitectureName },
  width: 'Channels of every block; CONVNET alone has one, 16 by default.',
  depth: 'Number of blocks, each of which halves the side of the image; CONVNET alone has one, 3 by default.',
  stem: {
    about: 'All but CONVNET have one. Left out: SMALL for images of up to 64 pixels, LARGE for others.',
    type: Stem,
  },
});

export const Augmentation = configTypes('Augmentation', 'Random changes of an image in training.', augmentationConfig, {
  flip: 'Whether images are mirrored left to right, half of the time.',
  shift: 'Largest shift in pixels, padded with zeros.',
});
