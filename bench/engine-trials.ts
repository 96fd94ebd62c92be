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
  { name: 'default' },
  {
    name: 'views of 8 %, synthesis crops of 30 %',
    synthesis: {
      formation: 1,
      steps: 200,
      learningRate: 0.02,
      classMeanWeight: 1,
      crossEntropyWeight: 1,
      momentsWeight: 0.1,
      augmentation: { cropScaleMin: 0.3 },
    },
    labels: { cropScaleMin: 0.08, fkdSteps: 450, ensembleSize: 1, mix: 'CUTMIX' },
    recipe: { steps: 450 },
  },
  {
    name: '300 student steps',
    synthesis: {
      formation: 1,
      steps: 200,
      learningRate: 0.02,
      classMeanWeight: 1,
      crossEntropyWeight: 1,
      momentsWeight: 0.1,
      augmentation: { cropScaleMin: 0.3 },
    },
    labels: { cropScaleMin: 0.3, fkdSteps: 300, ensembleSize: 1, mix: 'CUTMIX' },
    recipe: { steps: 300 },
  },
  {
    name: '300 steps, crops of 15 %',
    synthesis: {
      formation: 1,
      steps: 200,
      learningRate: 0.02,
      classMeanWeight: 1,
      crossEntropyWeight: 1,
      momentsWeight: 0.1,
      augmentation: { cropScaleMin: 0.15 },
    },
    labels: { cropScaleMin: 0.15, fkdSteps: 300, ensembleSize: 1, mix: 'CUTMIX' },
    recipe: { steps: 300 },
  },
  {
    name: '300 steps, crops of 15 %, no moments',
    synthesis: {
      formation: 1,
      steps: 200,
      learningRate: 0.02,
      classMeanWeight: 1,
      crossEntropyWeight: 1,
      momentsWeight: 0,
      augmentation: { cropScaleMin: 0.15 },
    },
    labels: { cropScaleMin: 0.15, fkdSteps: 300, ensembleSize: 1, mix: 'CUTMIX' },
    recipe: { steps: 300 },
  },
  {
    name: '300 steps, crops of 8 %',
    synthesis: {
      formation: 1,
      steps: 200,
      learningRate: 0.02,
      classMeanWeight: 1,
      crossEntropyWeight: 1,
      momentsWeight: 0.1,
      augmentation: { cropScaleMin: 0.08 },
    },
    labels: { cropScaleMin: 0.08, fkdSteps: 300, ensembleSize: 1, mix: 'CUTMIX' },
    recipe: { steps: 300 },
  },
  {
    name: '300 steps, crops of 50 %',
    synthesis: {
      formation: 1,
      steps: 200,
      learningRate: 0.02,
      classMeanWeight: 1,
      crossEntropyWeight: 1,
      momentsWeight: 0.1,
      augmentation: { cropScaleMin: 0.5 },
    },
    labels: { cropScaleMin: 0.5, fkdSteps: 300, ensembleSize: 1, mix: 'CUTMIX' },
    recipe: { steps: 300 },
  },
  {
    name: '300 steps, crops of 80 %',
    synthesis: {
      formation: 1,
      steps: 200,
      learningRate: 0.02,
      classMeanWeight: 1,
      crossEntropyWeight: 1,
      momentsWeight: 0.1,
      augmentation: { cropScaleMin: 0.8 },
    },
    labels: { cropScaleMin: 0.8, fkdSteps: 300, ensembleSize: 1, mix: 'CUTMIX' },
    recipe: { steps: 300 },
  },
  {
    name: '600 steps, crops of 50 %',
    synthesis: {
      formation: 1,
      steps: 200,
      learningRate: 0.02,
      classMeanWeight: 1,
      crossEntropyWeight: 1,
      momentsWeight: 0.1,
      augmentation: { cropScaleMin: 0.5 },
    },
    labels: { cropScaleMin: 0.5, fkdSteps: 600, ensembleSize: 1, mix: 'CUTMIX' },
    recipe: { steps: 600 },
  },
  {
    name: '300 steps, no crops in synthesis',
    synthesis: {
      formation: 1,
      steps: 200,
      learningRate: 0.02,
      classMeanWeight: 0.1,
      crossEntropyWeight: 1,
      momentsWeight: 0.1,
      augmentation: { cropScaleMin: 1 },
    },
    labels: { cropScaleMin: 0.5, fkdSteps: 300, ensembleSize: 1, mix: 'CUTMIX' },
    recipe: { steps: 300 },
  },
  {
    name: '300 steps, crops of 50 %, class means .1',
    synthesis: {
      formation: 1,
      steps: 200,
      learningRate: 0.02,
      classMeanWeight: 0.1,
      crossEntropyWeight: 1,
      momentsWeight: 0.1,
      augmentation: { cropScaleMin: 0.5 },
    },
    labels: { cropScaleMin: 0.5, fkdSteps: 300, ensembleSize: 1, mix: 'CUTMIX' },
    recipe: { steps: 300 },
  },
  {
    name: '300 steps, formation 2, no crops in synthesis',
    synthesis: {
      formation: 2,
      steps: 200,
      learningRate: 0.05,
      classMeanWeight: 0.1,
      crossEntropyWeight: 1,
      momentsWeight: 0.1,
      augmentation: { cropScaleMin: 1 },
    },
    labels: { cropScaleMin: 0.5, fkdSteps: 300, ensembleSize: 1, mix: 'CUTMIX' },
    recipe: { steps: 300 },
  },
  {
    name: '300 steps, formation 2, crops of 50 %',
    synthesis: {
      formation: 2,
      steps: 200,
      learningRate: 0.05,
      classMeanWeight: 0.1,
      crossEntropyWeight: 1,
      momentsWeight: 0.1,
      augmentation: { cropScaleMin: 0.5 },
    },
    labels: { cropScaleMin: 0.5, fkdSteps: 300, ensembleSize: 1, mix: 'CUTMIX' },
    recipe: { steps: 300 },
  },
  {
    name: '300 steps, real images untouched',
    synthesis: {
      formation: 1,
      steps: 1,
      learningRate: 1e-7,
      classMeanWeight: 0.1,
      crossEntropyWeight: 1,
      momentsWeight: 0.1,
      augmentation: { cropScaleMin: 1 },
    },
    labels: { cropScaleMin: 0.5, fkdSteps: 300, ensembleSize: 1, mix: 'CUTMIX' },
    recipe: { steps: 300 },
  },
  {
    name: '300 steps, 40 real images a class, untouched',
    synthesis: {
      formation: 1,
      steps: 1,
      learningRate: 1e-7,
      classMeanWeight: 0.1,
      crossEntropyWeight: 1,
      momentsWeight: 0.1,
      augmentation: { cropScaleMin: 1 },
      imagesPerClass: 40,
      imagesPerClassPerTask: 40,
    },
    labels: { cropScaleMin: 0.5, fkdSteps: 300, ensembleSize: 1, mix: 'CUTMIX' },
    recipe: { steps: 300 },
  },
  {
    name: '300 steps, formation 2, untouched',
    synthesis: {
      formation: 2,
      steps: 1,
      learningRate: 1e-7,
      classMeanWeight: 0.1,
      crossEntropyWeight: 1,
      momentsWeight: 0.1,
      augmentation: { cropScaleMin: 1 },
    },
    labels: { cropScaleMin: 0.5, fkdSteps: 300, ensembleSize: 1, mix: 'CUTMIX' },
    recipe: { steps: 300 },
  },
  {
    name: '300 steps, crops of 50 %, class means .1, rate .05',
    synthesis: {
      formation: 1,
      steps: 200,
      learningRate: 0.05,
      classMeanWeight: 0.1,
      crossEntropyWeight: 1,
      momentsWeight: 0.1,
      augmentation: { cropScaleMin: 0.5 },
    },
    labels: { cropScaleMin: 0.5, fkdSteps: 300, ensembleSize: 1, mix: 'CUTMIX' },
    recipe: { steps: 300 },
  },
  {
    name: '300 steps, crops of 50 %, class means .1, 600 synthesis steps',
    synthesis: {
      formation: 1,
      steps: 600,
      learningRate: 0.02,
      classMeanWeight: 0.1,
      crossEntropyWeight: 1,
      momentsWeight: 0.1,
      augmentation: { cropScaleMin: 0.5 },
    },
    labels: { cropScaleMin: 0.5, fkdSteps: 300, ensembleSize: 1, mix: 'CUTMIX' },
    recipe: { steps: 300 },
  },
  {
    name: '300 steps, crops of 50 %, no CE, moments 1',
    synthesis: {
      formation: 1,
      steps: 200,
      learningRate: 0.02,
      classMeanWeight: 0.1,
      crossEntropyWeight: 0,
      momentsWeight: 1,
      augmentation: { cropScaleMin: 0.5 },
    },
    labels: { cropScaleMin: 0.5, fkdSteps: 300, ensembleSize: 1, mix: 'CUTMIX' },
    recipe: { steps: 300 },
  },
];
