/** What S3 servers under test have in common: free ports, a folder, and an end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
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

/** A program that set-up puts into node_modules/.bin for the tests. */
export function programOf(name: string): string {
  const path = fileURLToPath(new URL(`../../../node_modules/.bin/${name}`, import.meta.url));
  if (!existsSync(path)) throw new Error(`${name} is not set up: run npm run bootstrap -- --with-tests`);
  return path;
}

export const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'teddyhub-s3-'));

/** Starts the server and waits until it takes requests; `folder` goes with it. */
export async function startS3Server(options: {
  program: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  port: number;
  folder: string;
}): Promise<S3Server> {
  const { program, args, env = process.env, port, folder } = options;
  const server = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const close = async () => {
    await end(server);
    await rm(folder, { recursive: true, force: true });
  };
  let said = '';
  server.stderr?.on('data', (chunk: Buffer) => {
    said = `${said}${chunk.toString()}`.slice(-2_000);
  });
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    await until(`${program} takes requests`, async () => {
      if (server.exitCode !== null) throw new Error(`${program} ended at its start: ${said}`);
      return (await status(endpoint)) === 403;
    });
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
    child.kill('SIGKILL');
  });
}

/** Ports that are free now, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            resolve(typeof address === 'object' && address !== null ? address.port : 0);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
