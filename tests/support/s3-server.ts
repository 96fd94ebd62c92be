/** What S3 servers under test have in common: free ports, a folder, and an end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { S3Config } from '../../src/platform/object-store/s3-object-store.js';
import { until } from './until.js';

export interface S3Server {
  endpoint: string;
  /** A store of its own for each name. */
  config(bucket: string): S3Config;
  close(): Promise<void>;
}

export const KEYS = { accessKey: 'teddy', secretKey: 'bear-with-a-secret' };

/** The environment of a process that is to use the store. */
export const environmentOf = (config: S3Config): NodeJS.ProcessEnv => ({
  S3_ENDPOINT: config.endpoint,
  S3_PUBLIC_ENDPOINT: config.publicEndpoint,
  S3_BUCKET: config.bucket,
  S3_ACCESS_KEY: config.accessKey,
  S3_SECRET_KEY: config.secretKey,
  S3_REGION: config.region,
});

/** A program that set-up puts into node_modules/.bin for the tests. */
export function programOf(name: string): string {
  const path = fileURLToPath(new URL(`../../../node_modules/.bin/${name}`, import.meta.url));
  if (!existsSync(path)) throw new Error(`${name} is not set up: run npm run bootstrap -- --with-tests`);
  return path;
}

export const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'teddyhub-s3-'));

/** A server that is to be started; its folder goes with it. */
export interface S3Program {
  program: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  port: number;
  folder: string;
  /** What there is to wait for beside answers. */
  isReady?: () => Promise<boolean>;
}

const TRIES = 3;
/** Other tests and their servers share the machine. */
const START_MS = 120_000;

/**
 * Starts what `prepare` names and waits until it takes requests. A port that was free may be somebody else's by the time that
 * the server wants it: one that ends at its start is prepared anew, a few times.
 */
export async function startS3Server(prepare: () => Promise<S3Program>): Promise<S3Server> {
  for (let tried = 1; ; tried++) {
    try {
      return await startOnce(await prepare());
    } catch (error) {
      if (tried === TRIES || !(error instanceof EndedAtStart)) throw error;
    }
  }
}

class EndedAtStart extends Error {}

/** Runs a program until it ends or its input does, as it does when this process is killed: no server is to outlive its tests. */
const LEASH = 'exec 3<&0; "$0" "$@" 3<&- & server=$!; (read -r _ <&3; kill -9 $server) & wait $server';

async function startOnce({ program, args, env, port, folder, isReady }: S3Program): Promise<S3Server> {
  const leashed = ['-c', LEASH, program, ...args];
  const server = spawn('sh', leashed, { env: env ?? process.env, stdio: ['pipe', 'ignore', 'pipe'] });
  const close = async () => {
    await end(server);
    await rm(folder, { recursive: true, force: true });
  };
  let said = '';
  server.stderr?.on('data', (chunk: Buffer) => {
    said = `${said}${chunk.toString()}`.slice(-2_000);
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const looks = async () => {
    if (server.exitCode !== null) throw new EndedAtStart(`${program} ended at its start: ${said}`);
    return (await status(endpoint)) === 403 && (isReady === undefined || (await isReady()));
  };
  try {
    await until(`${program} takes requests`, looks, START_MS);
  } catch (error) {
    await close();
    throw error;
  }
  const shared = { kind: 's3', endpoint, publicEndpoint: endpoint, ...KEYS, region: 'us-east-1' } as const;
  return { endpoint, config: (bucket) => ({ ...shared, bucket, pathStyle: true, caFile: null }), close };
}

/** An anonymous request is refused as soon as there is somebody to refuse it. */
const status = (url: string): Promise<number | null> =>
  fetch(url).then(
    async (answer) => {
      await answer.arrayBuffer();
      return answer.status;
    },
    () => null,
  );

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.stdin?.end();
  });
}

/** Below those that the system gives to whoever wants any: parallel tests take hundreds of these. */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_767;

/** Ports that are free now, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const held: Server[] = [];
  const ports: number[] = [];
  while (ports.length < count) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1);
    const server = await listen(port);
    if (server === null) continue;
    held.push(server);
    ports.push(port);
  }
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Null where the port is taken. */
const listen = (port: number): Promise<Server | null> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
