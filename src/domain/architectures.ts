/** Which images an architecture can take, and what they take of memory: asked before a task is made, and before it is computed. */
import type { ArchitectureConfig, FIXED_ARCHITECTURES, ImageShape, STEMS } from './config/architecture.js';
import { TeddyhubError } from './errors.js';

export type Stem = (typeof STEMS)[number];
export type Fixed = (typeof FIXED_ARCHITECTURES)[number];
type FixedConfig = Extract<ArchitectureConfig, { name: Fixed }>;

/** Where an architecture names none, sides of up to 64 pixels, CIFAR's and Tiny-ImageNet's, go through the small one. */
export const stemOf = ({ stem }: FixedConfig, { height, width }: ImageShape): Stem =>
  stem ?? (Math.max(height, width) <= 64 ? 'SMALL' : 'LARGE');

/** The least side of an image for networks of a fixed size: below it, their last stages would see nothing but padding. */
const LEAST_SIDE = 16;
/** Transitions of DenseNet do not pad: behind the large stem, less would be nothing at all. */
const LEAST_SIDE_OF_LARGE_DENSENET = 29;

const leastSide = (architecture: ArchitectureConfig, shape: ImageShape): number => {
  if (architecture.name === 'CONVNET') return 2 ** architecture.depth;
  const large = stemOf(architecture, shape) === 'LARGE';
  return architecture.name === 'DENSENET121' && large ? LEAST_SIDE_OF_LARGE_DENSENET : LEAST_SIDE;
};

/** Throws UNSUPPORTED_SHAPE where an image is too small. Each block of a ConvNet halves the side, rounding down. */
export function assertArchitectureFits(architecture: ArchitectureConfig, shape: ImageShape): void {
  const smallest = leastSide(architecture, shape);
  if (Math.min(shape.height, shape.width) >= smallest) return;
  if (architecture.name !== 'CONVNET') {
    const small = leastSide({ ...architecture, stem: 'SMALL' }, shape);
    const remedy = Math.min(shape.height, shape.width) >= small ? 'use the stem SMALL' : 'use CONVNET';
    throw new TeddyhubError(
      'UNSUPPORTED_SHAPE',
      `Images of ${shape.height} x ${shape.width} are too small for ${architecture.name}, which needs a side of ${smallest} or more; ${remedy}.`,
    );
  }
  const deepest = Math.floor(Math.log2(Math.min(shape.height, shape.width)));
  const remedy = deepest >= 1 ? `; use depth ${deepest} or less` : '';
  throw new TeddyhubError(
    'UNSUPPORTED_SHAPE',
    `Images of ${shape.height} x ${shape.width} are too small for ConvNet-${architecture.depth}, which needs a side of ${smallest} or more${remedy}.`,
  );
}

/** No object is larger: neither Node nor most readers take that many bytes at once. */
export const MOST_OBJECT_BYTES = 2 ** 31;
/**
 * Throws UNSUPPORTED_SHAPE where a checkpoint of training would be no object any more. A ConvNet classifies its last features position by
 * position, so that large images of many classes make it large; the others average them first. `copies` of every parameter are kept: itself,
 * the optimizer's, others.
 */
export function assertCheckpointFits(
  architecture: ArchitectureConfig,
  shape: ImageShape,
  classes: number,
  copies: number,
): void {
  if (architecture.name !== 'CONVNET') return;
  const { width, depth } = architecture;
  const positions = Math.floor(shape.height / 2 ** depth) * Math.floor(shape.width / 2 ** depth);
  const parameters = positions * width * classes + (depth - 1) * 9 * width ** 2;
  if (4 * copies * parameters < MOST_OBJECT_BYTES) return;
  throw new TeddyhubError(
    'UNSUPPORTED_SHAPE',
    `ConvNet-${depth} of width ${width} has ${Math.round(parameters / 1e6)} million parameters for ${classes} classes of ${shape.height} x ${shape.width}, too many for a checkpoint: use a greater depth, a smaller width or another architecture.`,
  );
}

/** KiB a pixel that a step of synthesis keeps for its gradient, with the small stem and the large one (bench/results/memory.json). */
const ACTIVATIONS: Readonly<Record<Fixed, Readonly<Record<Stem, number>>>> = {
  RESNET18: { SMALL: 17, LARGE: 2.4 },
  RESNET50: { SMALL: 90, LARGE: 7 },
  RESNET101: { SMALL: 140, LARGE: 11 },
  DENSENET121: { SMALL: 131, LARGE: 9 },
  MOBILENET_V2: { SMALL: 13, LARGE: 3.4 },
  SHUFFLENET_V2_X0_5: { SMALL: 9, LARGE: 1 },
  SHUFFLENET_V2_X1_0: { SMALL: 18, LARGE: 1.6 },
  EFFICIENTNET_B0: { SMALL: 22, LARGE: 6 },
};
const CONVNET_BASE = 0.3;
const CONVNET_PER_CHANNEL = 0.041;

/** Halvings round odd sides up, five of them behind a large stem: within a tenth, an image takes no more than one of the next multiple of this. */
const HALVED_SIDE = 16;

/** Bytes that a step of synthesis against one teacher keeps of an image. */
export function activationBytes(architecture: ArchitectureConfig, shape: ImageShape): number {
  const large = architecture.name !== 'CONVNET' && stemOf(architecture, shape) === 'LARGE';
  const [height, width] = [shape.height, shape.width].map((side) =>
    large ? HALVED_SIDE * Math.ceil(side / HALVED_SIDE) : side,
  ) as [number, number];
  const kibibytes =
    architecture.name === 'CONVNET'
      ? CONVNET_BASE + CONVNET_PER_CHANNEL * architecture.width
      : ACTIVATIONS[architecture.name][stemOf(architecture, shape)];
  return 1024 * kibibytes * height * width;
}
