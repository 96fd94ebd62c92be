/**
 * How soon subscribers hear of a worker's report, and whether the memory of the API stays flat. Writes
 * bench/results/api-subscriptions.json.
 *
 *     npm run bench -- api-subscriptions [--subscribers 1000] [--reports 60] [--minutes 30]
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEmbeddedStack } from '../src/platform/embedded/stack.js';
import { deployMigrations } from '../src/platform/migrate/migrations.js';
import { measureSubscriptions } from './support/api-subscriptions.js';
import { about, writeResult } from './support/report.js';

const { values } = parseArgs({
  options: {
    subscribers: { type: 'string', default: '1000' },
    reports: { type: 'string', default: '60' },
    minutes: { type: 'string', default: '30' },
  },
});
const stateDir = await mkdtemp(join(tmpdir(), 'teddyhub-bench-'));
// PostgreSQL refuses to run as root: where root measures, another account must reach the folder.
await chmod(stateDir, 0o755);
const stack = await startEmbeddedStack({ stateDir });
try {
  await deployMigrations(stack.databaseUrl);
  const figures = await measureSubscriptions({
    databaseUrl: stack.databaseUrl,
    stateDir,
    subscribers: Number(values.subscribers),
    reports: Number(values.reports),
    minutes: Number(values.minutes),
  });
  const options = Object.entries(values).map(([name, value]) => `--${name} ${value}`);
  writeResult('api-subscriptions', {
    ...about(`npm run bench -- api-subscriptions ${options.join(' ')}`),
    ...figures,
  });
  const { latency, memory } = figures;
  console.log(`${latency.subscribers} subscribers: median ${latency.medianMs} ms, p99 ${latency.p99Ms} ms`);
  if (memory) console.log(`memory: ${memory.residentMiB.secondQuarter} -> ${memory.residentMiB.lastQuarter} MiB`);
} finally {
  await stack.stop();
  await rm(stateDir, { recursive: true, force: true });
}
