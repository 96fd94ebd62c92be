/** Runs the tiny pipeline in a process of its own and prints what the jobs answered. */
import { tinyWorld } from '../support/tiny-engine.js';
import { runPipeline } from '../support/tiny-jobs.js';

const world = await tinyWorld({ height: 8, width: 8, channels: 1 });
try {
  process.stdout.write(JSON.stringify(await runPipeline(world)));
} finally {
  await world.close();
}
