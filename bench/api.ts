/**
 * The API on a database of 100,000 runs, a million tasks and ten million metric points, server, database and load generator
 * sharing this machine. Writes bench/results/api.json: the page of fifty runs beside plain per-row resolvers and a hand-written
 * endpoint, in turns of one run.
 *
 *     npm run bench -- api [--runs 100000] [--rounds 5] [--seconds 6] [--connections 16] [--keep]
 */
import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { benchPage } from './support/api-page.js';
import { openLargeWorld } from './support/large-world.js';
import { about, resultsPath, writeResult } from './support/report.js';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '6' },
    connections: { type: 'string', default: '16' },
    keep: { type: 'boolean', default: false },
  },
});
const [runs, rounds, seconds, connections] = [values.runs, values.rounds, values.seconds, values.connections].map(
  Number,
);
const options = { rounds: rounds ?? 5, seconds: seconds ?? 6, connections: connections ?? 16 };

const world = await openLargeWorld({ runs: runs ?? 100_000, keep: values.keep });
try {
  const page = await benchPage(world, options);
  process.stdout.write(
    `${page.servers.teddyhub.requestsPerSecond} pages a second, p99 ${page.servers.teddyhub.p99} ms, ${page.statements} statements; ` +
      `${page.timesPerRow} x per-row resolvers, ${page.shareOfHandWritten} x by hand\n`,
  );
  const path = resultsPath('api');
  const before = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>) : {};
  const command = `npm run bench -- api --runs ${runs} --rounds ${rounds} --seconds ${seconds} --connections ${connections}`;
  writeResult('api', { ...before, ...about(command), database: world.counts, page });
} finally {
  await world.close();
}
