/** The page of fifty runs, with all that a dashboard shows of them: by this API, by plain resolvers, by hand. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { NODE_FLAGS } from '../../src/cli/node-flags.js';
import type { LargeWorld } from './large-world.js';
import { type Call, call, type LoadResult, load } from './load.js';
import { quantile, root, rounded } from './report.js';

const PAGES = 40;
const WARMUP_SECONDS = 3;

interface Server {
  name: 'teddyhub' | 'perRow' | 'handWritten';
  url: string;
  calls: Call[];
  process: ChildProcess;
}

const page = z.object({
  data: z.object({
    distillationRuns: z.object({
      pageInfo: z.object({ endCursor: z.string() }),
      nodes: z.array(z.object({ id: z.string(), createdAt: z.string() })).length(50),
    }),
  }),
});

const PER_ROW_PAGE = `query ($createdAt: String!, $id: String!) { runs(createdAt: $createdAt, id: $id) {
  id name state labels createdAt dataset { name } teacherPool { name } progress { fraction }
  bestEvaluation { labelKind seeds mean } } }`;

export interface PageResult {
  statements: number;
  servers: Record<Server['name'], LoadResult & { rounds: LoadResult[] }>;
  timesPerRow: number;
  shareOfHandWritten: number;
}

/** Rounds of the three servers take turns, so that a noisy machine is noisy to all. */
export async function benchPage(
  world: LargeWorld,
  options: { rounds: number; seconds: number; connections: number },
): Promise<PageResult> {
  const servers: Server[] = [];
  try {
    const teddyhub = await startTeddyhub(world);
    servers.push(teddyhub.server);
    servers.push(await startPeer('perRow', 'per-row', 55_412, world, teddyhub.starts));
    servers.push(await startPeer('handWritten', 'hand-written', 55_413, world, teddyhub.starts));
    const rounds: Record<Server['name'], LoadResult[]> = { teddyhub: [], perRow: [], handWritten: [] };
    const { seconds, connections } = options;
    for (const { url, calls } of servers) await load(url, calls, { connections, seconds: WARMUP_SECONDS });
    for (let round = 0; round < options.rounds; round++) {
      for (const { name, url, calls } of servers) {
        const result = await load(url, calls, { connections, seconds });
        rounds[name].push(result);
        process.stdout.write(`${name.padEnd(12)} ${result.requestsPerSecond} requests/s, p99 ${result.p99} ms\n`);
      }
    }
    const results = Object.fromEntries(
      servers.map(({ name }) => [name, { ...medianOf(rounds[name]), rounds: rounds[name] }]),
    ) as PageResult['servers'];
    // Servers take turns within a round, as the machine's speed moves between rounds.
    const timesOf = (other: Server['name']) =>
      quantile(
        rounds.teddyhub.map(
          ({ requestsPerSecond }, i) => requestsPerSecond / (rounds[other][i] as LoadResult).requestsPerSecond,
        ),
        0.5,
      );
    return {
      statements: teddyhub.statements(),
      servers: results,
      timesPerRow: rounded(timesOf('perRow')),
      shareOfHandWritten: rounded(timesOf('handWritten')),
    };
  } finally {
    for (const server of servers) server.process.kill('SIGTERM');
  }
}

function medianOf(rounds: readonly LoadResult[]): LoadResult {
  const median = (key: keyof LoadResult) =>
    rounded(
      quantile(
        rounds.map((round) => round[key]),
        0.5,
      ),
    );
  return {
    requests: rounds.reduce((sum, round) => sum + round.requests, 0),
    requestsPerSecond: median('requestsPerSecond'),
    p50: median('p50'),
    p99: median('p99'),
  };
}

/** The API as production runs it; where the pages begin; and the most statements that it has said a page took. */
async function startTeddyhub(world: LargeWorld) {
  const seen: number[] = [];
  const port = 55_411;
  const url = `http://127.0.0.1:${port}`;
  const child = await start([...NODE_FLAGS, root('dist/src/cli/main.js'), 'api'], world, port, /answers at/, (line) => {
    if (!line.includes('"PageOfRuns"')) return;
    const { statements } = z.object({ statements: z.number() }).parse(JSON.parse(line));
    seen.push(statements);
  });
  const query = await readFile(root('docs/examples/page-of-runs.graphql'), 'utf8');
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${world.key}` };
  const calls: Call[] = [];
  const starts: { createdAt: string; id: string }[] = [];
  for (let after: string | null = null; calls.length < PAGES; ) {
    const one: Call = { path: '/graphql', body: JSON.stringify({ query, variables: { after } }), headers };
    const { nodes, pageInfo } = page.parse(JSON.parse(await call(url, one))).data.distillationRuns;
    if (after !== null) calls.push(one);
    const last = nodes.at(-1)!;
    const id = Buffer.from(last.id, 'base64url').toString().split(':')[1]!;
    starts.push({ createdAt: last.createdAt, id });
    after = pageInfo.endCursor;
  }
  const server: Server = { name: 'teddyhub', url, calls, process: child };
  // A key is looked up again every two seconds, which is one more.
  return { server, starts, statements: () => quantile(seen, 0.5) };
}

async function startPeer(
  name: Server['name'],
  file: string,
  port: number,
  world: LargeWorld,
  starts: readonly { createdAt: string; id: string }[],
): Promise<Server> {
  const child = await start([root(`dist/bench/peers/${file}.js`)], world, port, /^ready/);
  const calls = starts
    .slice(0, PAGES)
    .map(
      (variables): Call =>
        name === 'perRow'
          ? { path: '/', body: JSON.stringify({ query: PER_ROW_PAGE, variables }), headers: {} }
          : { path: `/?${new URLSearchParams(variables).toString()}`, body: null, headers: {} },
    );
  return { name, url: `http://127.0.0.1:${port}`, calls, process: child };
}

async function start(
  args: string[],
  world: LargeWorld,
  port: number,
  ready: RegExp,
  onLine: (line: string) => void = () => undefined,
): Promise<ChildProcess> {
  const env = {
    ...process.env,
    DATABASE_URL: world.databaseUrl,
    PROJECT_ID: world.projectId,
    NODE_ENV: 'production',
    PORT: String(port),
    TEDDYHUB_RATE_LIMIT: '0',
    TEDDYHUB_DOCUMENTS: 'any',
  };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  // However this process ends.
  process.once('exit', () => child.kill());
  // The log, of which each request has a line.
  let lastWords = '';
  createInterface({ input: child.stderr }).on('line', (line) => {
    lastWords = line;
    onLine(line);
  });
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (status) => reject(new Error(`${args.join(' ')} ended with ${status}: ${lastWords}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (ready.test(line)) resolve();
    });
  });
  return child;
}
