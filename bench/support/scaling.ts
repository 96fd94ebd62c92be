/** How the cost of synthesis grows with images and steps: time by batch, and resident memory over many steps. */
import { architectureConfig } from '../../src/domain/config.js';
import { type EngineCase, stepOf } from './engine-cases.js';
import { quantile, rounded } from './report.js';

const shape = { height: 28, width: 28, channels: 1 };
const synthesis = (width: number, batch: number): EngineCase => ({
  kind: 'SYNTHESIS',
  architecture: architectureConfig.parse({ width }),
  shape,
  batch,
});

export interface BatchTime {
  readonly images: number;
  readonly milliseconds: number;
  readonly millisecondsAnImage: number;
}

/** Medians of one step at three sizes, taken in turns. */
export async function timeBatches(sizes = [50, 100, 200], rounds = 5): Promise<BatchTime[]> {
  const steps = await Promise.all(sizes.map((batch) => stepOf(synthesis(128, batch))));
  const times = sizes.map((): number[] => []);
  for (let round = 0; round < rounds + 1; round++) {
    steps.forEach((step, i) => {
      const start = performance.now();
      step(round);
      // The first step allocates.
      if (round > 0) times[i]?.push(performance.now() - start);
    });
  }
  return sizes.map((images, i) => {
    const median = quantile(times[i] ?? [], 0.5);
    return { images, milliseconds: rounded(median), millisecondsAnImage: rounded(median / images) };
  });
}

export interface Residence {
  readonly step: number;
  readonly mebibytes: number;
}

/** Resident memory of this process every `every` steps of a synthesis of ConvNet-3 (16) on 100 images. */
export async function watchMemory(steps = 2000, every = 200): Promise<Residence[]> {
  const step = await stepOf(synthesis(16, 100));
  const seen: Residence[] = [];
  for (let at = 0; at < steps; at++) {
    // More steps than the schedule has are not taken: the rate would rise again.
    step(at % 1000);
    if ((at + 1) % every === 0) {
      seen.push({ step: at + 1, mebibytes: Math.round(process.memoryUsage.rss() / 2 ** 20) });
    }
  }
  return seen;
}
