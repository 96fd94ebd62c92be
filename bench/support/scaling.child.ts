/** A process of bench/scaling.ts whose memory is looked at: it has nothing behind it. */
import { architectureConfig } from '../../src/domain/config/architecture.js';
import { stepOf } from './engine-cases.js';
import { openPipeline } from './pipeline.js';
import type { Answer, Request } from './scaling.js';

const MEBIBYTE = 2 ** 20;

async function watch(steps: number, every: number): Promise<Answer> {
  const architecture = architectureConfig.parse({ width: 16 });
  const shape = { height: 28, width: 28, channels: 1 };
  const step = await stepOf({ kind: 'SYNTHESIS', architecture, shape, batch: 100 });
  const seen: number[] = [];
  for (let at = 0; at < steps; at++) {
    // More steps than the schedule has are not taken: the rate would rise again.
    step(at % 1000);
    if ((at + 1) % every === 0) seen.push(Math.round(process.memoryUsage.rss() / MEBIBYTE));
  }
  return seen;
}

async function answer(request: Request): Promise<Answer> {
  if ('steps' in request) return watch(request.steps, request.every);
  if ('one' in request) {
    const step = await stepOf(request.one);
    for (let at = 0; at < 3; at++) step(at);
  } else {
    const { synthesis } = await openPipeline(request.work);
    await synthesis(request.payload);
  }
  // Linux tells it in KiB.
  return [Math.round(process.resourceUsage().maxRSS / 1024)];
}

process.once('message', async (request: Request) => {
  process.send?.(await answer(request), () => process.exit());
});
