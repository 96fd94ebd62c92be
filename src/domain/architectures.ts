/** Which images an architecture can take: asked by the API before a task is made, and by the worker before it computes. */
import type { ArchitectureConfig, ImageShape } from './config.js';
import { TeddyhubError } from './errors.js';

/** Throws UNSUPPORTED_SHAPE where an image is too small for the depth: each block halves the side, rounding down. */
export function assertArchitectureFits(architecture: ArchitectureConfig, shape: ImageShape): void {
  const smallest = 2 ** architecture.depth;
  if (Math.min(shape.height, shape.width) >= smallest) return;
  const deepest = Math.floor(Math.log2(Math.min(shape.height, shape.width)));
  const mend = deepest >= 1 ? `; use depth ${deepest} or less` : '';
  throw new TeddyhubError(
    'UNSUPPORTED_SHAPE',
    `Images of ${shape.height} x ${shape.width} are too small for ConvNet-${architecture.depth}, which needs a side of ${smallest} or more${mend}.`,
  );
}
