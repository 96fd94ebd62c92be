/** The trials of bench/engine-sweep.ts: what differs from the defaults of src/domain/config.ts. */
import type { z } from 'zod';
import type { labelConfig, poolConfig, recipeConfig, synthesisConfig } from '../src/domain/config.js';

export interface Trial {
  readonly name: string;
  readonly pool?: z.input<typeof poolConfig>;
  /** Positions of the teachers to match; all of them where it is left out. */
  readonly only?: readonly number[];
  readonly synthesis?: z.input<typeof synthesisConfig>;
  readonly labels?: z.input<typeof labelConfig>;
  readonly recipe?: z.input<typeof recipeConfig>;
  readonly labelKinds?: ('SOFT' | 'HARD')[];
  readonly seed?: number;
}

export const TRIALS: readonly Trial[] = [
  { name: 'a: default', labelKinds: ['SOFT', 'HARD'] },
  { name: 'b: ce 0 lr .02', synthesis: { crossEntropyWeight: 0, learningRate: 0.02 } },
  { name: 'c: ce 0 mom 1 cm .1', synthesis: { crossEntropyWeight: 0, momentsWeight: 1 } },
  { name: 'd: 1 ce .1 mom 1 cm 1', synthesis: { crossEntropyWeight: 0.1, momentsWeight: 1, classMeanWeight: 1 } },
];
