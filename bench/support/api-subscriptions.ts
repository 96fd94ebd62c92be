/**
 * From a worker's report to the message of each of many subscribers, and what the API's process holds in memory under a load
 * that goes on: subscribers, reports, pages of runs, and sockets that come and go.
 */
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { ApiKeyRepository } from '../../src/modules/api-key/api-key.repository.js';
import { OperatorKeys } from '../../src/modules/api-key/operator-keys.js';
import { toGlobalId } from '../../src/modules/kit/node.js';
import { openDatabase } from '../../src/platform/database/client.js';
import { createLog } from '../../src/platform/log.js';
import { type Claim, reportProgress, startRun } from '../../src/platform/orchestration/index.js';
import { openTaskQueue } from '../../src/platform/queue/task-queue.js';
import { claimNext } from '../../tests/support/by-hand.js';
import { seedDataset, seedPool, seedProject, seedRun } from '../../tests/support/seeds.js';
import { startApiProcess } from './api-process.js';
import { mean, quantile, rounded } from './report.js';

export interface SubscriptionOptions {
  /** Migrated; a project is added to it. */
  databaseUrl: string;
  stateDir: string;
  subscribers: number;
  /** For the latency; 0: it is not measured. */
  reports: number;
  /** Of load, for the memory; 0: it is not measured. */
  minutes: number;
}

const SUBSCRIBERS_PER_KEY = 100;
const REPORT_MS = 500;
const SAMPLE_MS = 5_000;
const READERS = 4;
const RUNS = 60;
const QUERY =
  'subscription ($id: ID!) { runEvents(runId: $id) { __typename sequence ... on RunTaskProgress { step totalSteps loss } } }';
const PAGE = `{ distillationRuns(first: 50) { nodes { id name state progress { fraction } dataset { name } teacherPool { name }
  distilledSet { id } } } }`;

export async function measureSubscriptions(options: SubscriptionOptions) {
  const { databaseUrl, stateDir, subscribers, reports, minutes } = options;
  const database = openDatabase(databaseUrl, { poolSize: 2 });
  const queue = await openTaskQueue(databaseUrl, { log: createLog('bench', 'silent'), role: 'API' });
  const api = await startApiProcess({ databaseUrl, stateDir });
  const backend = { database, queue };
  const sockets: WebSocket[] = [];
  try {
    const project = await seedProject(database);
    const pool = await seedPool(database, await seedDataset(database, project));
    for (let run = 1; run < RUNS; run++) await seedRun(database, pool);
    const run = await seedRun(database, pool);
    await database.$transaction((tx) => startRun({ tx, queue }, run.id));
    const claim = await claimNext(backend, { runId: run.id });
    const keys = new OperatorKeys(new ApiKeyRepository(database));
    const newKey = () => keys.create({ name: 'bench', role: 'VIEWER', project: project.name });
    const secrets: string[] = [];
    for (let n = 0; n < subscribers; n += SUBSCRIBERS_PER_KEY) secrets.push(await newKey());

    const reporter = createReporter(backend, claim);
    const id = toGlobalId('DistillationRun', run.id);
    const ready: Promise<void>[] = [];
    for (let n = 0; n < subscribers; n++) {
      const { socket, replayed } = subscribe(api.url, secrets[n % secrets.length]!, id, reporter.seen);
      sockets.push(socket);
      ready.push(replayed);
      if (n % 50 === 49) await Promise.all(ready);
    }
    await Promise.all(ready);

    // The first reports compile what the others run.
    for (let n = 0; n < 10; n++) await reporter.report(subscribers);
    reporter.reset();
    for (let n = 0; n < reports; n++) await Promise.all([reporter.report(subscribers), wait(REPORT_MS)]);
    const { latencies } = reporter;
    const subscriptions = reports > 0 && {
      subscribers,
      reports,
      messages: latencies.length,
      medianMs: rounded(quantile(latencies, 0.5)),
      p99Ms: rounded(quantile(latencies, 0.99)),
      maxMs: rounded(quantile(latencies, 1)),
    };
    const memory =
      minutes > 0 ? await holdLoad(api, reporter, { key: await newKey(), id, minutes, subscribers }) : null;
    return { subscriptions: subscriptions || null, memory };
  } finally {
    for (const socket of sockets) socket.terminate();
    await api.stop();
    await queue.close();
    await database.$disconnect();
  }
}

interface Reporter {
  latencies: number[];
  /** Reports one more step, and waits until `subscribers` have its message. */
  report(subscribers: number): Promise<void>;
  seen(step: number): void;
  reset(): void;
}

function createReporter(backend: Parameters<typeof reportProgress>[0], claim: Claim): Reporter {
  const totalSteps = 1_000_000;
  let step = 0;
  let reportedAt = 0;
  let waiting = 0;
  let done = () => {};
  const reporter: Reporter = {
    latencies: [],
    async report(subscribers) {
      step += 1;
      waiting = subscribers;
      const all = new Promise<void>((resolve) => {
        done = resolve;
      });
      reportedAt = performance.now();
      await reportProgress(backend, claim, { step, totalSteps, loss: 1 / step }, []);
      await all;
    },
    seen(seenStep) {
      // Of a socket that has only just come, what was before.
      if (seenStep !== step) return;
      reporter.latencies.push(performance.now() - reportedAt);
      waiting -= 1;
      if (waiting === 0) done();
    },
    reset() {
      reporter.latencies = [];
    },
  };
  return reporter;
}

function subscribe(url: string, key: string, id: string, seen: (step: number) => void) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  const replayed = new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', (code) => reject(new Error(`a subscriber was closed with ${code}`)));
    socket.on('open', () =>
      socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${key}` } })),
    );
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as {
        type: string;
        payload?: { data?: { runEvents: { step?: number } } };
      };
      if (message.type === 'connection_ack') {
        socket.send(JSON.stringify({ id: 'a', type: 'subscribe', payload: { query: QUERY, variables: { id } } }));
      } else if (message.type === 'next') {
        resolve();
        const { step } = message.payload?.data?.runEvents ?? {};
        if (step !== undefined) seen(step);
      } else if (message.type === 'error') {
        reject(new Error(data.toString()));
      }
    });
  });
  return { socket, replayed };
}

async function holdLoad(
  api: Awaited<ReturnType<typeof startApiProcess>>,
  reporter: Reporter,
  { key, id, minutes, subscribers }: { key: string; id: string; minutes: number; subscribers: number },
) {
  const end = Date.now() + minutes * 60_000;
  const samples: number[] = [];
  let requests = 0;
  let comings = 0;
  const whileItLasts = async (work: () => Promise<void>) => {
    while (Date.now() < end) await work();
  };
  const read = async () => {
    const response = await fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ query: PAGE }),
    });
    const { errors } = (await response.json()) as { errors?: unknown };
    if (errors) throw new Error(JSON.stringify(errors));
    requests += 1;
    await wait(25);
  };
  const comeAndGo = async () => {
    const { socket, replayed } = subscribe(api.url, key, id, () => undefined);
    await replayed;
    socket.terminate();
    await once(socket, 'close');
    comings += 1;
    await wait(50);
  };
  await Promise.all([
    ...Array.from({ length: READERS }, () => whileItLasts(read)),
    whileItLasts(comeAndGo),
    whileItLasts(async () => {
      await Promise.all([reporter.report(subscribers), wait(REPORT_MS)]);
      reporter.reset();
    }),
    whileItLasts(async () => {
      samples.push(rounded(api.residentMiB()));
      await wait(SAMPLE_MS);
    }),
  ]);
  const quarter = Math.max(1, Math.floor(samples.length / 4));
  const second = mean(samples.slice(quarter, 2 * quarter));
  const last = mean(samples.slice(-quarter));
  return {
    minutes,
    requests,
    socketsOpenedAndAborted: comings,
    residentMiB: {
      secondQuarter: rounded(second),
      lastQuarter: rounded(last),
      growth: rounded(last - second),
      samples,
    },
  };
}
