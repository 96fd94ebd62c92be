/** What the kernels choose by: whose arithmetic is quick depends on the processor. */
import { readFileSync } from 'node:fs';
import { tf } from '../tensorflow.js';

export const isOnGpu = (): boolean => (tf.backend() as unknown as { isUsingGpuDevice: boolean }).isUsingGpuDevice;

let isAvx512: boolean | undefined;

/** False where it is not Linux, which alone tells. */
export function hasAvx512(): boolean {
  isAvx512 ??= /\bavx512f\b/.test(processorInfo());
  return isAvx512;
}

function processorInfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return '';
  }
}
