/** Which images an architecture can take: asked by the API before a task is made, and by the worker before it computes. */
import type { ArchitectureConfig, ImageShape } from './config.js';
import { TeddyhubError } from './errors.js';

/** The least side of an image for networks of a fixed size: below it, their last stages would see nothing but padding. */
const LEAST_SIDE = 16;

/** Throws UNSUPPORTED_SHAPE where an image is too small. Each block of a ConvNet halves the side, rounding down. */
export function assertArchitectureFits(architecture: ArchitectureConfig, shape: ImageShape): void {
  const smallest = architecture.name === 'CONVNET' ? 2 ** architecture.depth : LEAST_SIDE;
  if (Math.min(shape.height, shape.width) >= smallest) return;
  if (architecture.name !== 'CONVNET') {
    throw new TeddyhubError(
      'UNSUPPORTED_SHAPE',
      `Images of ${shape.height} x ${shape.width} are too small for ${architecture.name}, which needs a side of ${smallest} or more; use CONVNET.`,
    );
  }
  const deepest = Math.floor(Math.log2(Math.min(shape.height, shape.width)));
  const mend = deepest >= 1 ? `; use depth ${deepest} or less` : '';
  throw new TeddyhubError(
    'UNSUPPORTED_SHAPE',
    `Images of ${shape.height} x ${shape.width} are too small for ConvNet-${architecture.depth}, which needs a side of ${smallest} or more${mend}.`,
  );
}
