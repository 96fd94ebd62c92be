/** The parts of configurations that pools, runs and evaluations share. */
import { registerEnumType } from 'type-graphql';
import { architectureConfig, augmentationConfig } from '../../domain/config.js';
import { configTypes } from './config-types.js';

const ArchitectureName = { CONVNET: 'CONVNET' } as const;

registerEnumType(ArchitectureName, {
  name: 'ArchitectureName',
  description: 'A family of networks.',
  valuesConfig: {
    CONVNET: {
      description: 'Blocks of 3x3 convolution, batch norm, ReLU and 2x2 average pooling, then one linear layer.',
    },
  },
});

export const Architecture = configTypes('Architecture', 'The network of a teacher or a student.', architectureConfig, {
  name: { about: 'Its family.', type: ArchitectureName },
  width: 'Channels of every block.',
  depth: 'Number of blocks; each halves the side of the image.',
});

export const Augmentation = configTypes('Augmentation', 'Random changes of an image in training.', augmentationConfig, {
  flip: 'Whether images are mirrored left to right, half of the time.',
  shift: 'Largest shift in pixels, padded with zeros.',
});
