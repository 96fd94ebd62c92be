/**
 * The API, with server, database and load generator sharing this machine. Writes bench/results/api.json: a page of fifty runs out
 * of 100,000 with a million tasks and ten million metric points, beside plain per-row resolvers and a hand-written endpoint, in
 * turns of one run; how soon subscribers hear of a worker's report; and whether the memory of the API stays flat under load.
 *
 *     npm run bench -- api [--only page,subscriptions,memory] [--runs 100000] [--rounds 5] [--seconds 6] [--connections 16]
 *                          [--keep] [--subscribers 1000] [--reports 60] [--minutes 30]
 *
 * What is left out by `--only` stays as it was in the results.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedStack } from '../src/platform/embedded/stack.js';
import { deployMigrations } from '../src/platform/migrate/migrations.js';
import { benchPage } from './support/api-page.js';
import { measureSubscriptions } from './support/api-subscriptions.js';
import { openLargeWorld } from './support/large-world.js';
import { countOf, optionsOf, someOf } from './support/options.js';
import { about, ORIGIN, readJson, resultsPath, writeResult } from './support/report.js';

const PARTS = ['page', 'subscriptions', 'memory'] as const;
const values = optionsOf('api', {
  only: { type: 'string', default: PARTS.join() },
  runs: { type: 'string', default: '100000' },
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '6' },
  connections: { type: 'string', default: '16' },
  keep: { type: 'boolean', default: false },
  subscribers: { type: 'string', default: '1000' },
  reports: { type: 'string', default: '60' },
  minutes: { type: 'string', default: '30' },
});
const parts = new Set(someOf('api', 'only', values.only, PARTS));
const COUNTS = ['runs', 'rounds', 'seconds', 'connections', 'subscribers', 'reports', 'minutes'] as const;
const counts = Object.fromEntries(COUNTS.map((option) => [option, countOf('api', option, values[option])])) as Record<
  (typeof COUNTS)[number],
  number
>;
const command = `npm run bench -- api ${Object.entries(values)
  .map(([name, value]) => (value === true ? `--${name}` : value === false ? '' : `--${name} ${value}`))
  .filter(Boolean)
  .join(' ')}`;

/** Each part as soon as it is measured, with its own command: the next one may take half an hour. */
const tell = (name: (typeof PARTS)[number], part: object): void =>
  writeResult('api', {
    ...readJson(resultsPath('api'), {}),
    ...about('npm run bench -- api'),
    [name]: { command, ...ORIGIN, ...part },
  });

if (parts.has('page')) {
  const world = await openLargeWorld({ runs: counts.runs, keep: values.keep });
  try {
    const page = await benchPage(world, counts);
    const { requestsPerSecond, p99 } = page.servers.teddyhub;
    console.log(
      `${requestsPerSecond} pages a second, p99 ${p99} ms, ${page.statements} statements; ` +
        `${page.timesPerRow} x per-row resolvers, ${page.shareOfHandWritten} x by hand`,
    );
    tell('page', { database: world.counts, ...page });
  } finally {
    await world.close();
  }
}

if (parts.has('subscriptions') || parts.has('memory')) {
  const stateDir = await mkdtemp(join(tmpdir(), 'teddyhub-bench-'));
  // PostgreSQL refuses to run as root: where root measures, another account must reach the folder.
  await chmod(stateDir, 0o755);
  const stack = await startEmbeddedStack({ stateDir });
  try {
    await deployMigrations(stack.databaseUrl);
    const { subscriptions, memory } = await measureSubscriptions({
      databaseUrl: stack.databaseUrl,
      stateDir,
      subscribers: counts.subscribers,
      reports: parts.has('subscriptions') ? counts.reports : 0,
      minutes: parts.has('memory') ? counts.minutes : 0,
    });
    if (subscriptions) {
      const { subscribers, medianMs, p99Ms } = subscriptions;
      console.log(`${subscribers} subscribers: median ${medianMs} ms, p99 ${p99Ms} ms`);
      tell('subscriptions', subscriptions);
    }
    if (memory) {
      const { secondQuarter, lastQuarter } = memory.residentMiB;
      console.log(`memory: ${secondQuarter} -> ${lastQuarter} MiB`);
      tell('memory', memory);
    }
  } finally {
    await stack.stop();
    await rm(stateDir, { recursive: true, force: true });
  }
}
