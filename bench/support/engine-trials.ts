/** The trials of bench/engine-sweep.ts: what differs from the defaults of src/domain/config.ts. */
import type { z } from 'zod';
import type { labelConfig, poolConfig, recipeConfig, synthesisConfig } from '../../src/domain/config.js';

export interface Trial {
  readonly name: string;
  readonly pool?: z.input<typeof poolConfig>;
  /** Positions of the teachers to match; all of them where it is left out. */
  readonly only?: readonly number[];
  readonly synthesis?: z.input<typeof synthesisConfig>;
  readonly labels?: z.input<typeof labelConfig>;
  readonly recipe?: z.input<typeof recipeConfig>;
  readonly labelKinds?: ('SOFT' | 'HARD')[];
  /** Pairs of a set and its baseline: seeds 0 to `pairs` - 1. 4 where it is left out. */
  readonly pairs?: number;
}

/** One step of next to nothing leaves the initial images as they are. */
const untouched = { steps: 1, learningRate: 1e-9 };
/** Synthesis and views with the same crops. */
const crops = (cropScaleMin: number) => ({ synthesis: { cropScaleMin }, labels: { cropScaleMin } });
const studentSteps = (steps: number) => ({ labels: { fkdSteps: steps }, recipe: { steps } });

export const TRIALS: readonly Trial[] = [
  { name: 'default', pairs: 8 },
  { name: 'real images, untouched', pairs: 8, synthesis: untouched },
  { name: '300 student steps', ...studentSteps(300) },
  { name: '900 student steps', ...studentSteps(900) },
  { name: 'crops of 8 %', ...crops(0.08) },
  { name: 'crops of 80 %', ...crops(0.8) },
  ...[10, 20, 40].map((times) => ({ name: `${times} times fewer labels`, labels: { keptShare: 1 / times } })),
  { name: '3 logits of 10', labels: { topK: 3 } },
  { name: 'no crops in synthesis', synthesis: { cropScaleMin: 1 } },
  { name: 'no cross-entropy', synthesis: { crossEntropyWeight: 0 } },
  { name: 'no moments', synthesis: { momentsWeight: 0 } },
  { name: 'no class means', synthesis: { classMeanWeight: 0 } },
  { name: 'only the last teacher', only: [2] },
  { name: 'formation 2, rate .05', synthesis: { formation: 2, learningRate: 0.05 } },
  { name: 'formation 2, untouched', synthesis: { formation: 2, ...untouched } },
];
