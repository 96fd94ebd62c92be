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

const narrow = { width: 16, depth: 3 };
const pool = { architecture: narrow, epochs: 1, checkpointEpochs: [0.1, 0.3, 1], randomInitTeachers: 1 };
const labels = { fkdSteps: 300 };
const recipe = { architecture: narrow, steps: 300, learningRate: 5e-3 };

export const TRIALS: readonly Trial[] = [
  { name: 'a: width 16, 300 student steps', pool, labels, recipe, synthesis: { steps: 200 } },
  { name: 'b: a without CE', pool, labels, recipe, synthesis: { steps: 200, crossEntropyWeight: 0 } },
  {
    name: 'e: 500 steps, no CE, moments 1',
    pool,
    labels,
    recipe,
    synthesis: { steps: 500, crossEntropyWeight: 0, momentsWeight: 1 },
  },
  {
    name: 'f: formation 1, 300 steps of .02, no CE, moments 1',
    pool,
    labels,
    recipe,
    synthesis: { formation: 1, steps: 300, learningRate: 0.02, crossEntropyWeight: 0, momentsWeight: 1 },
  },
];
