/** Which images an ImageNet architecture sees through its small stem, without the first halvings of the side. */
import type { ImageShape } from '../../../src/domain/config.js';

/** Sides of up to 64 pixels: CIFAR and Tiny-ImageNet. */
export const isSmall = ({ height, width }: ImageShape): boolean => Math.max(height, width) <= 64;
