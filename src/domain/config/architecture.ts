/** The networks of teachers and students, and the images that they take. */
import { z } from 'zod';

/** Networks of a fixed size, as torchvision builds them. */
export const FIXED_ARCHITECTURES = [
  'RESNET18',
  'RESNET50',
  'RESNET101',
  'DENSENET121',
  'MOBILENET_V2',
  'SHUFFLENET_V2_X0_5',
  'SHUFFLENET_V2_X1_0',
  'EFFICIENTNET_B0',
] as const;

/**
 * First layers of a network of a fixed size. SMALL: one 3x3 convolution of stride 1, as is the custom for CIFAR. LARGE: as for ImageNet,
 * of stride 2, and max pooling after it where torchvision's network has it.
 */
export const STEMS = ['SMALL', 'LARGE'] as const;

/**
 * ConvNet-D: `depth` blocks of 3x3 convolution, batch norm, ReLU and 2x2 average pooling, then one linear layer; or one of
 * the networks of a fixed size, which take neither width nor depth.
 */
export const architectureConfig = z
  .strictObject({
    name: z.enum(['CONVNET', ...FIXED_ARCHITECTURES]).default('CONVNET'),
    width: z.number().int().min(4).max(512).optional(),
    depth: z.number().int().min(1).max(6).optional(),
    /** Left out: SMALL for images of up to 64 pixels. */
    stem: z.enum(STEMS).optional(),
  })
  .refine(({ name, width, depth }) => name === 'CONVNET' || (width ?? depth) === undefined, {
    error: 'only CONVNET has a width and a depth',
  })
  .refine(({ name, stem }) => name !== 'CONVNET' || stem === undefined, {
    error: 'CONVNET has no stem',
    path: ['stem'],
  })
  .transform(({ name, width = 16, depth = 3, stem }) =>
    name === 'CONVNET' ? { name, width, depth } : { name, ...(stem && { stem }) },
  );

export type ArchitectureConfig = z.infer<typeof architectureConfig>;

/** Networks of depthwise convolutions. */
export const LIGHT_ARCHITECTURES = [
  'MOBILENET_V2',
  'SHUFFLENET_V2_X0_5',
  'SHUFFLENET_V2_X1_0',
  'EFFICIENTNET_B0',
] as const;

/** Height, width and channels of an image, in pixels. */
export interface ImageShape {
  height: number;
  width: number;
  channels: number;
}

/** Of the samples of a set: f x f of them share the pixels of an image. */
export const cellShape = ({ height, width, channels }: ImageShape, formation: number): ImageShape => ({
  height: Math.floor(height / formation),
  width: Math.floor(width / formation),
  channels,
});
